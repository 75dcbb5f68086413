// The real TypeScript SDK against a server: TEMPORAL_SERVICE_ADDRESS, TEMPORAL_NAMESPACE. Prints a line a test; the arguments are
// words that the names of the tests to run contain.
const assert = require('node:assert');
const path = require('node:path');
const { Client, Connection, WorkflowNotFoundError, WorkflowExecutionAlreadyStartedError } = require('@temporalio/client');
const { NativeConnection, Runtime, DefaultLogger, Worker, bundleWorkflowCode } = require('@temporalio/worker');
const activity = require('@temporalio/activity');

const address = process.env.TEMPORAL_SERVICE_ADDRESS;
const namespace = process.env.TEMPORAL_NAMESPACE || 'default';
const workflowsPath = path.join(__dirname, 'workflows.js');
const taskQueue = 'typescript';

const attempts = new Map();
const remembered = [];
const tokens = [];
const activities = {
  greet: async (name) => `hello ${name}`,
  flaky: async (key, times) => {
    const attempt = (attempts.get(key) || 0) + 1;
    attempts.set(key, attempt);
    assert.equal(activity.activityInfo().attempt, attempt);
    if (attempt < times) throw new Error(`attempt ${attempt}`);
    return attempt;
  },
  broken: async () => {
    throw activity.ApplicationFailure.create({ message: 'beyond repair', type: 'Broken', nonRetryable: true });
  },
  slow: async (ms) => await activity.sleep(ms),
  heartbeating: async () => {
    for (;;) {
      activity.heartbeat('beat');
      await activity.sleep(100);
    }
  },
  beatsOnce: async () => {
    activity.heartbeat(41);
    throw new activity.CompleteAsyncError();  // and says nothing any more
  },
  remember: async (what) => void remembered.push(what),
  later: async () => {
    tokens.push(activity.activityInfo().taskToken);
    throw new activity.CompleteAsyncError();
  },
};

const tests = {
  'runs an activity': async ({ run }) => {
    assert.equal(await run('hello', ['you']), 'hello you');
  },
  'runs fifty activities at once': async ({ run }) => {
    assert.equal(await run('manyActivities', [50]), 50);
  },
  'retries an activity': async ({ run, id }) => {
    assert.equal(await run('retried', [id]), 3);
  },
  'fails with an activity that may not be retried': async ({ run }) => {
    await assert.rejects(run('failing'), (error) => {
      assert.equal(error.name, 'WorkflowFailedError');
      assert.equal(error.cause.name, 'ActivityFailure');
      assert.equal(error.cause.cause.message, 'beyond repair');
      assert.equal(error.cause.retryState, 'NON_RETRYABLE_FAILURE');
      return true;
    });
  },
  'times an activity out': async ({ run }) => {
    await assert.rejects(run('timingOut'), (error) => {
      assert.equal(error.cause.cause.name, 'TimeoutFailure');
      assert.equal(error.cause.cause.timeoutType, 'START_TO_CLOSE');
      assert.equal(error.cause.retryState, 'MAXIMUM_ATTEMPTS_REACHED');
      return true;
    });
  },
  'fires and cancels timers': async ({ run }) => {
    assert.deepEqual(await run('timers'), ['cancelled', 'early', 'late']);
  },
  'signals and queries': async ({ start }) => {
    const handle = await start('chat');
    assert.deepEqual(await handle.query('said'), []);
    await handle.signal('say', 'one');
    assert.deepEqual(await handle.query('said'), ['one']);
    await handle.signal('say', 'two');
    await handle.signal('finish');
    assert.deepEqual(await handle.result(), ['one', 'two']);
    assert.deepEqual(await handle.query('said'), ['one', 'two'], 'a closed workflow answers, too');
    await assert.rejects(handle.query('bad'), { message: /no answer/ });
    await assert.rejects(handle.query('unknown'), { name: 'QueryNotRegisteredError' });
    await assert.rejects(handle.signal('say', 'late'), WorkflowNotFoundError);
  },
  'starts with a signal, or only signals': async ({ client, id }) => {
    const call = (word) =>
      client.workflow.signalWithStart('chat', { workflowId: id, taskQueue, args: [[]], signal: 'say', signalArgs: [word] });
    const first = await call('one');
    const second = await call('two');
    assert.equal(first.signaledRunId, second.signaledRunId);
    await second.signal('finish');
    assert.deepEqual(await first.result(), ['one', 'two']);
  },
  'continues as new': async ({ run }) => {
    assert.equal(await run('continuing', [4]), 10);
  },
  'cancels a workflow, which cleans up': async ({ start }) => {
    const handle = await start('cancellable');
    const before = remembered.length;
    await handle.cancel();
    await assert.rejects(handle.result(), (error) => error.cause.name === 'CancelledFailure');
    assert.equal(remembered.length, before + 1);
    assert.equal((await handle.describe()).status.name, 'CANCELLED');
  },
  'cancels an activity through its heartbeat': async ({ run }) => {
    assert.equal(await run('cancelsItsActivity'), 'cancelled');
  },
  'times out an activity that stops beating': async ({ run }) => {
    await assert.rejects(run('heartbeats'), (error) => {
      assert.equal(error.cause.cause.timeoutType, 'HEARTBEAT');
      assert.equal(error.cause.cause.lastHeartbeatDetails, 41);
      return true;
    });
  },
  'runs local activities and patches': async ({ run }) => {
    assert.deepEqual(await run('localAndPatched'), ['hello local', 'patched', 'string']);
  },
  'terminates': async ({ start }) => {
    const handle = await start('forever');
    await handle.terminate('enough');
    await assert.rejects(handle.result(), (error) => {
      assert.equal(error.cause.name, 'TerminatedFailure');
      assert.equal(error.cause.message, 'enough');
      return true;
    });
    await assert.rejects(handle.terminate(), WorkflowNotFoundError);
  },
  'refuses a second start of one id': async ({ start, client, id }) => {
    const first = await start('forever');
    await assert.rejects(
      client.workflow.start('forever', { workflowId: id, taskQueue }),
      (error) => error instanceof WorkflowExecutionAlreadyStartedError && error.workflowId === id
    );
    const used = await client.workflow.start('forever', { workflowId: id, taskQueue, workflowIdConflictPolicy: 'USE_EXISTING' });
    assert.equal(used.firstExecutionRunId, first.firstExecutionRunId);
    const fresh = await client.workflow.start('chat', {
      workflowId: id,
      taskQueue,
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    });
    assert.notEqual(fresh.firstExecutionRunId, first.firstExecutionRunId);
    await assert.rejects(first.result(), (error) => error.cause.name === 'TerminatedFailure');
    await fresh.terminate();
    await assert.rejects(
      client.workflow.start('forever', { workflowId: id, taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE' }),
      WorkflowExecutionAlreadyStartedError
    );
  },
  'fails as the workflow says': async ({ run }) => {
    await assert.rejects(run('throws'), (error) => {
      assert.equal(error.cause.type, 'Purpose');
      assert.deepEqual(error.cause.details, [7]);
      return true;
    });
  },
  'retries a workflow': async ({ client, id }) => {
    const options = { workflowId: id, taskQueue, retry: { initialInterval: '100ms', maximumAttempts: 3 } };
    assert.equal(await client.workflow.execute('retriedWorkflow', options), 3);
  },
  'times a workflow out': async ({ client, id }) => {
    const options = { workflowId: id, taskQueue, workflowRunTimeout: '1s' };
    await assert.rejects(client.workflow.execute('forever', options), (error) => error.cause.name === 'TimeoutFailure');
  },
  'describes': async ({ client, id }) => {
    const handle = await client.workflow.start('chat', { workflowId: id, taskQueue, memo: { a: 1 } });
    const running = await handle.describe();
    assert.equal(running.status.name, 'RUNNING');
    assert.equal(running.type, 'chat');
    assert.equal(running.taskQueue, taskQueue);
    assert.deepEqual(running.memo, { a: 1 });
    assert.ok(running.startTime instanceof Date);
    assert.equal(running.runId, handle.firstExecutionRunId);
    await handle.signal('finish');
    await handle.result();
    const closed = await handle.describe();
    assert.equal(closed.status.name, 'COMPLETED');
    assert.ok(closed.closeTime >= closed.startTime);
    assert.ok(closed.historyLength > 5);
  },
  'changes its memo': async ({ start }) => {
    const handle = await start('remembers');
    assert.deepEqual(await handle.result(), { colour: 'green' });
    assert.deepEqual((await handle.describe()).memo, { colour: 'green' });
  },
  'knows what is not there': async ({ client }) => {
    await assert.rejects(client.workflow.getHandle('nobody').describe(), WorkflowNotFoundError);
    await assert.rejects(client.workflow.getHandle('nobody').signal('say', 'x'), WorkflowNotFoundError);
    const other = new Client({ connection: client.connection, namespace: 'nowhere' });
    await assert.rejects(other.workflow.start('hello', { workflowId: 'x', taskQueue }), { name: 'NamespaceNotFoundError' });
  },
  'completes an activity from outside': async ({ start, client }) => {
    tokens.length = 0;
    const handle = await start('async');
    while (tokens.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await client.activity.heartbeat(tokens[0], 'half');
    await client.activity.complete(tokens[0], 'from outside');
    assert.equal(await handle.result(), 'from outside');
    await assert.rejects(client.activity.complete(tokens[0], 'again'), { name: 'ActivityNotFoundError' });
  },
  'keeps histories that replay': async ({ start, client }) => {
    for (const [type, args] of [['hello', ['r']], ['timers', []], ['localAndPatched', []], ['continuing', [1]], ['retried', [`replay-${Date.now()}`]]]) {
      const handle = await start(type, args, `-${type}`);
      await handle.result();
      const history = await client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId).fetchHistory();
      history.events.forEach((event, i) => assert.equal(Number(event.eventId), i + 1));
      await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
    }
    const handle = await start('timers', [], '-other');
    await handle.result();
    const history = await handle.fetchHistory();
    history.events[0].workflowExecutionStartedEventAttributes.workflowType.name = 'hello';
    await assert.rejects(Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId), { name: 'DeterminismViolationError' });
  },
  'goes on from its history when a worker has lost it': async ({ client, id, connection }) => {
    const queue = `${taskQueue}-uncached`;
    const worker = await makeWorker(await NativeConnection.connect({ address }), queue, { maxCachedWorkflows: 0 });
    await worker.runUntil(async () => {
      const handle = await client.workflow.start('chat', { workflowId: id, taskQueue: queue });
      for (let i = 0; i < 5; ++i) {
        await handle.signal('say', String(i));
        assert.equal((await handle.query('said')).length, i + 1);
      }
      await handle.signal('finish');
      assert.equal((await handle.result()).length, 5);
    });
  },
  'child: runs, is signalled, continues as new': async ({ run }) => {
    assert.deepEqual(await run('parent'), { sum: 6, heard: ['first', 'second'] });
  },
  'child: its failure reaches the parent': async ({ run }) => {
    assert.deepEqual(await run('parentOfFailure'), ['ChildWorkflowFailure', 'ApplicationFailure', 'on purpose', 7]);
  },
  'child: is cancelled': async ({ run }) => {
    assert.equal(await run('parentThatCancels'), 'cancelled');
  },
  'child: its id is taken': async ({ run }) => {
    assert.equal(await run('parentOfTwins'), 'WorkflowExecutionAlreadyStartedError');
  },
  'child: what becomes of it when the parent ends': async ({ run, client, id }) => {
    await run('parentThatLeaves');
    await assert.rejects(client.workflow.getHandle(`${id}-ended`).result(), (e) => e.cause.name === 'TerminatedFailure');
    await assert.rejects(client.workflow.getHandle(`${id}-asked`).result(), (e) => e.cause.name === 'CancelledFailure');
    assert.equal((await client.workflow.getHandle(`${id}-kept`).describe()).status.name, 'RUNNING');
    await client.workflow.getHandle(`${id}-kept`).terminate();
  },
  'child: shows parent and children': async ({ start, client, id }) => {
    const handle = await start('parentOfTwins');
    await handle.result();
    const child = await client.workflow.getHandle(`${id}-twin`).describe();
    assert.equal(child.parentExecution.workflowId, id);
  },
  'external: signals nobody': async ({ run }) => {
    assert.match(await run('signalsNobody'), /not found|ExternalWorkflow/i);
  },
  'external: cancels another workflow': async ({ run, client, id }) => {
    const other = await client.workflow.start('cancellable', { workflowId: `${id}-other`, taskQueue });
    assert.equal(await run('cancelsAnother', [`${id}-other`]), 'asked');
    await assert.rejects(other.result(), (error) => error.cause.name === 'CancelledFailure');
  },
};

let workflowBundle;
async function makeWorker(connection, queue, options = {}) {
  return await Worker.create({ connection, namespace, taskQueue: queue, workflowBundle, activities, ...options });
}

async function main() {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) });
  const words = process.argv.slice(2);
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const worker = await makeWorker(native, taskQueue);
  const failed = [];
  let number = 0;
  await worker.runUntil(async () => {
    for (const [name, test] of Object.entries(tests)) {
      if (words.length && !words.some((word) => name.includes(word))) continue;
      const id = `test-${process.pid}-${++number}`;
      const start = (type, args = [], suffix = '') => client.workflow.start(type, { workflowId: id + suffix, taskQueue, args });
      const run = async (type, args = []) => await (await start(type, args)).result();
      const began = Date.now();
      let late;
      const limit = new Promise((_, reject) => (late = setTimeout(() => reject(new Error('not within 30 s')), 30000)));
      try {
        await Promise.race([test({ client, connection, id, start, run }), limit]);
        console.log(`ok      ${name} (${Date.now() - began} ms)`);
      } catch (error) {
        failed.push(name);
        console.log(`FAILED  ${name}: ${error.stack}${error.cause ? `\n  cause: ${error.cause.stack || error.cause}` : ''}`);
      }
      clearTimeout(late);
    }
  });
  await native.close();
  await connection.close();
  console.log(`${number - failed.length} of ${number} passed`);
  if (number === 0 || failed.length) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exit(2);
});
