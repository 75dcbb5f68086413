// The real TypeScript SDK against a server: TEMPORAL_SERVICE_ADDRESS, TEMPORAL_NAMESPACE. Prints a line a test; the arguments are
// words that the names of the tests to run contain.
const assert = require('node:assert');
const path = require('node:path');
const { Client, Connection, WorkflowNotFoundError, WorkflowExecutionAlreadyStartedError } = require('@temporalio/client');
const { NativeConnection, Runtime, DefaultLogger, Worker, bundleWorkflowCode } = require('@temporalio/worker');
const activity = require('@temporalio/activity');
const readline = require('node:readline');

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
  laterWith: async (details) => {
    activity.heartbeat(details);
    throw new activity.CompleteAsyncError();
  },
  large: async (bytes) => 'x'.repeat(bytes),
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
    await assert.rejects(client.workflow.getHandle('unknown').describe(), WorkflowNotFoundError);
    await assert.rejects(client.workflow.getHandle('unknown').signal('say', 'x'), WorkflowNotFoundError);
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
  'external: signals an unknown workflow': async ({ run }) => {
    assert.match(await run('signalsNobody'), /not found|ExternalWorkflow/i);
  },
  'external: cancels another workflow': async ({ run, client, id }) => {
    const other = await client.workflow.start('cancellable', { workflowId: `${id}-other`, taskQueue });
    assert.equal(await run('cancelsAnother', [`${id}-other`]), 'asked');
    await assert.rejects(other.result(), (error) => error.cause.name === 'CancelledFailure');
  },
};

const limit = 2 * 1024 * 1024;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Until `done` says so: lists of a server may be a little behind.
async function eventually(done) {
  while (!(await done())) await sleep(30);
}

async function idsOf(client, id, query, pageSize) {
  const ids = [];
  for await (const info of client.workflow.list({ query, pageSize })) ids.push(info.workflowId.slice(id.length));
  return ids.join(' ');
}

// -a completed, -b failed, -c and -d running, one after the other.
async function makeFour({ client, id, start }) {
  await (await start('hello', ['a'], '-a')).result();
  await assert.rejects((await start('throws', [], '-b')).result());
  await start('chat', [], '-c');
  await start('forever', [], '-d');
  const mine = `WorkflowId STARTS_WITH '${id}'`;
  await eventually(async () => (await idsOf(client, id, mine)) === '-d -c -b -a');
  await eventually(async () => (await idsOf(client, id, `${mine} AND ExecutionStatus != 'Running'`)) === '-b -a');
  return mine;
}

async function endTwo({ client, id }) {
  for (const suffix of ['-c', '-d']) await client.workflow.getHandle(id + suffix).terminate();
}

const waitsForActivity = async (handle) =>
  await eventually(async () => {
    const pending = (await handle.describe()).raw.pendingActivities;
    return pending.length === 1 && pending[0].heartbeatDetails;
  });

Object.assign(tests, {
  'visibility: finds by status, type, id and task queue': async (t) => {
    const mine = await makeFour(t);
    const ids = (query) => idsOf(t.client, t.id, query);
    assert.equal(await ids(`${mine} AND ExecutionStatus = 'Completed'`), '-a');
    assert.equal(await ids(`${mine} AND ExecutionStatus IN ('Completed', 'Failed')`), '-b -a');
    assert.equal(await ids(`${mine} AND WorkflowType = 'chat'`), '-c');
    assert.equal(await ids(`${mine} AND (WorkflowType = 'hello' OR WorkflowType = 'forever')`), '-d -a');
    assert.equal(await ids(`WorkflowId = '${t.id}-b'`), '-b');
    assert.equal(await ids(`${mine} AND TaskQueue = '${taskQueue}'`), '-d -c -b -a');
    assert.equal(await ids(`${mine} AND TaskQueue = 'another'`), '');
    await endTwo(t);
  },
  'visibility: finds by time, in pages, and counts': async (t) => {
    const mine = await makeFour(t);
    const c = (await t.client.workflow.getHandle(`${t.id}-c`).describe()).startTime;
    const ids = (query, pageSize) => idsOf(t.client, t.id, query, pageSize);
    assert.equal(await ids(`${mine} AND StartTime >= '${c.toISOString()}'`), '-d -c');
    assert.equal(await ids(`${mine} AND ExecutionStatus != 'Running' AND CloseTime < '${c.toISOString()}'`), '-b -a');
    assert.equal(await ids(mine, 1), '-d -c -b -a');
    assert.equal(await ids(mine, 3), '-d -c -b -a');
    assert.equal((await t.client.workflow.count(mine)).count, 4);
    const grouped = await t.client.workflow.count(`${mine} GROUP BY ExecutionStatus`);
    const groups = Object.fromEntries(grouped.groups.map((group) => [group.groupValues[0], group.count]));
    assert.deepEqual(groups, { Completed: 1, Failed: 1, Running: 2 });
    for (const query of ['WorkflowId = ', "Nonsense = 'x'", "ExecutionStatus = 'Sleeping'"]) {
      await assert.rejects(ids(query), (error) => /invalid query/.test(`${error.message} ${error.cause?.message}`));
    }
    await endTwo(t);
  },
  'visibility: closed runs are there after a restart': async (t) => {
    const mine = await makeFour(t);
    await restart();
    await eventually(async () => (await idsOf(t.client, t.id, mine).catch(() => '')) === '-d -c -b -a');
    assert.equal(await idsOf(t.client, t.id, `${mine} AND ExecutionStatus = 'Failed'`), '-b');
    await endTwo(t);
  },
  'describes a task queue': async ({ client }) => {
    for (const taskQueueType of [1, 2]) {
      await eventually(async () => {
        const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType };
        const { pollers } = await client.workflowService.describeTaskQueue(request);
        return pollers.length > 0 && pollers[0].identity !== '';
      });
    }
  },
  'deletes closed and running workflows': async ({ client, id, start }) => {
    await (await start('hello', ['x'], '-closed')).result();
    await start('forever', [], '-running');
    for (const workflowId of [`${id}-closed`, `${id}-running`]) {
      await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
      await eventually(async () => {
        const described = client.workflow.getHandle(workflowId).describe();
        return await described.then(() => false, (error) => error instanceof WorkflowNotFoundError);
      });
      await eventually(async () => (await idsOf(client, id, `WorkflowId = '${workflowId}'`)) === '');
    }
  },
  'completes activities by their ids': async ({ client, id, start }) => {
    const completed = await start('asyncWithId', ['half'], '-completed');
    const workflowId = completed.workflowId;
    await waitsForActivity(completed);
    await client.activity.heartbeat({ workflowId, activityId: 'the-activity' }, 'more');
    const [pending] = (await completed.describe()).raw.pendingActivities;
    assert.equal(Buffer.from(pending.heartbeatDetails.payloads[0].data).toString(), '"more"');
    assert.equal(pending.activityId, 'the-activity');
    assert.equal(pending.attempt, 1);
    assert.ok(pending.lastStartedTime && pending.lastHeartbeatTime && pending.lastWorkerIdentity);
    await client.activity.complete({ workflowId, activityId: 'the-activity' }, 'by its id');
    assert.equal(await completed.result(), 'by its id');
    const failed = await start('asyncWithId', ['x'], '-failed');
    await waitsForActivity(failed);
    await client.activity.fail({ workflowId: failed.workflowId, activityId: 'the-activity' }, new Error('from outside'));
    await assert.rejects(failed.result(), (error) => error.cause.cause.message === 'from outside');
    const cancelled = await start('asyncWithId', ['x'], '-cancelled');
    await waitsForActivity(cancelled);
    await cancelled.cancel();
    await eventually(async () => {
      const reported = client.activity.reportCancellation({ workflowId: cancelled.workflowId, activityId: 'the-activity' }, 'why');
      return await reported.then(() => true, () => false);
    });
    await assert.rejects(cancelled.result(), (error) => error.cause.name === 'CancelledFailure');
    await assert.rejects(client.activity.complete({ workflowId, activityId: 'the-activity' }, 'again'), {
      name: 'ActivityNotFoundError',
    });
  },
  'starts eagerly': async ({ eagerClient, id }) => {
    const options = { workflowId: id, taskQueue, args: ['eager'], requestEagerStart: true };
    const handle = await eagerClient.workflow.start('hello', options);
    assert.equal(handle.eagerlyStarted, true);
    assert.equal(await handle.result(), 'hello eager');
    const [first] = (await handle.fetchHistory()).events;
    assert.equal(first.workflowExecutionStartedEventAttributes.eagerExecutionAccepted, true);
  },
  'reads a history backwards, in pages': async ({ client, start }) => {
    const handle = await start('manyActivities', [5]);
    await handle.result();
    const forwards = (await handle.fetchHistory()).events.map((event) => Number(event.eventId));
    const backwards = [];
    for (let nextPageToken; ; ) {
      const request = { namespace, execution: { workflowId: handle.workflowId }, maximumPageSize: 4, nextPageToken };
      const page = await client.workflowService.getWorkflowExecutionHistoryReverse(request);
      backwards.push(...page.history.events.map((event) => Number(event.eventId)));
      nextPageToken = page.nextPageToken;
      if (!nextPageToken?.length) break;
    }
    assert.deepEqual(backwards.reverse(), forwards);
  },
  'limits: what a client sends': async ({ client, id, start }) => {
    const refused = (call, words) => assert.rejects(call, (error) => words.test(`${error.message} ${error.cause?.message}`));
    await refused(start('hello', ['x'.repeat(limit)]), /Blob data size exceeds limit/);
    await refused(client.workflow.start('hello', { workflowId: 'i'.repeat(1001), taskQueue }), /WorkflowId length exceeds limit/);
    const handle = await start('chat');
    await refused(handle.signal('say', 'x'.repeat(limit)), /Blob data size exceeds limit/);
    await handle.signal('say', 'x'.repeat(limit - 1000));
    await refused(handle.query('said', 'x'.repeat(limit)), /Blob data size exceeds limit/);
    await handle.terminate();
  },
  'limits: results of activities': async ({ run }) => {
    assert.equal(await run('largeResult', [limit - 1000]), limit - 1000);
    await assert.rejects(run('largeResult', [limit]), (error) => {
      assert.match(`${error.cause.cause.message}`, /exceed/);
      return true;
    });
  },
  'answers queries in time while large payloads are under way': async ({ client, id, start }) => {
    const asked = await start('chat', [], '-asked');
    let stop = false;
    const load = async (lane) => {
      for (let n = 0; !stop; ++n) {
        const options = { workflowId: `${id}-load-${lane}-${n}`, taskQueue: 'unknown', args: ['x'.repeat(limit - 1000)] };
        const handle = await client.workflow.start('chat', options);
        for (let s = 0; s < 5; ++s) await handle.signal('say', 'y'.repeat(limit - 1000));
        await handle.terminate();
      }
    };
    const lanes = [load(0), load(1)];
    const took = [];
    try {
      for (let i = 0; i < 25; ++i) {
        const began = Date.now();
        await asked.query('said');
        took.push(Date.now() - began);
      }
    } finally {
      stop = true;
      await Promise.all(lanes);
    }
    took.sort((a, b) => a - b);
    console.log(`        queries under load: median ${took[12]} ms, longest ${took[24]} ms`);
    assert.ok(took[24] < 5000 && took[12] < 1500, `a query took ${took[24]} ms, half of them more than ${took[12]} ms`);
    await asked.terminate();
  },
});

// The server is killed, and started again with its data.
async function restart() {
  const lines = readline.createInterface({ input: process.stdin });
  const restarted = new Promise((resolve) => lines.once('line', resolve));
  console.log('restart');
  await restarted;
  lines.close();
}

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
  const eagerClient = new Client({ connection: native, namespace });  // shares its connection with the worker
  const worker = await makeWorker(native, taskQueue);
  const failed = [];
  let number = 0;
  await worker.runUntil(async () => {
    for (const [name, test] of Object.entries(tests)) {
      if (words.length && !words.some((word) => name.includes(word))) continue;
      if (name.includes('restart') && process.env.RESTARTS !== '1') continue;
      const id = `test-${process.pid}-${++number}`;
      const start = (type, args = [], suffix = '') => client.workflow.start(type, { workflowId: id + suffix, taskQueue, args });
      const run = async (type, args = []) => await (await start(type, args)).result();
      const began = Date.now();
      let late;
      const limit = new Promise((_, reject) => (late = setTimeout(() => reject(new Error('not within 60 s')), 60000)));
      try {
        await Promise.race([test({ client, eagerClient, connection, id, start, run }), limit]);
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
