// What the test runs as workflows: plain JavaScript, bundled by the SDK's own worker.
const wf = require('@temporalio/workflow');

const { greet, flaky, broken, remember } = wf.proxyActivities({
  startToCloseTimeout: '20s',
  retry: { initialInterval: '50ms', maximumAttempts: 5 },
});
const patient = wf.proxyActivities({
  startToCloseTimeout: '60s',
  heartbeatTimeout: '2s',
  cancellationType: wf.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 1 },
});
const impatient = wf.proxyActivities({ startToCloseTimeout: '1s', retry: { maximumAttempts: 2, initialInterval: '50ms' } });
const local = wf.proxyLocalActivities({ startToCloseTimeout: '5s' });

exports.hello = async (name) => await greet(name);

exports.manyActivities = async (count) =>
  (await Promise.all(Array.from({ length: count }, (_, i) => greet(String(i))))).length;

exports.retried = async (key) => await flaky(key, 3);

exports.failing = async () => await broken();

exports.timingOut = async () => await impatient.slow(5000);

exports.timers = async () => {
  const order = [];
  await Promise.all([
    wf.sleep('300ms').then(() => order.push('late')),
    wf.sleep('100ms').then(() => order.push('early')),
    wf.CancellationScope.cancellable(async () => {
      const scope = wf.CancellationScope.current();
      const never = wf.sleep('1h').catch((error) => order.push(wf.isCancellation(error) ? 'cancelled' : 'odd'));
      scope.cancel();
      await never;
    }),
  ]);
  return order;
};

exports.say = wf.defineSignal('say');
exports.finish = wf.defineSignal('finish');
exports.said = wf.defineQuery('said');
exports.bad = wf.defineQuery('bad');
exports.chat = async (start = []) => {
  const heard = [...start];
  let done = false;
  wf.setHandler(exports.say, (word) => void heard.push(word));
  wf.setHandler(exports.finish, () => void (done = true));
  wf.setHandler(exports.said, () => heard);
  wf.setHandler(exports.bad, () => {
    throw new Error('no answer');
  });
  await wf.condition(() => done);
  return heard;
};

exports.continuing = async (left, sum = 0) => {
  if (left === 0) return sum;
  await wf.continueAsNew(left - 1, sum + left);
};

exports.cancellable = async () => {
  try {
    await wf.sleep('1h');
  } catch (error) {
    if (!wf.isCancellation(error)) throw error;
    await wf.CancellationScope.nonCancellable(() => remember('cleaned up'));
    throw error;
  }
};

exports.cancelsItsActivity = async () => {
  const scope = new wf.CancellationScope();
  const result = scope.run(() => patient.heartbeating());
  await wf.sleep('300ms');
  scope.cancel();
  try {
    return await result;
  } catch (error) {
    return wf.isCancellation(error) ? 'cancelled' : `odd: ${error}`;
  }
};

exports.heartbeats = async () => await patient.beatsOnce();

exports.localAndPatched = async () => {
  const both = [await local.greet('local')];
  both.push(wf.patched('a-patch') ? 'patched' : 'old');
  both.push(typeof wf.uuid4());
  return both;
};

exports.forever = async () => {
  await wf.condition(() => false);
};

exports.throws = async () => {
  throw wf.ApplicationFailure.create({ message: 'on purpose', type: 'Purpose', nonRetryable: true, details: [7] });
};

exports.retriedWorkflow = async () => {
  if (wf.workflowInfo().attempt < 3) throw wf.ApplicationFailure.create({ message: `attempt ${wf.workflowInfo().attempt}` });
  return wf.workflowInfo().attempt;
};

exports.remembers = async () => {
  wf.upsertMemo({ colour: 'green' });
  return wf.workflowInfo().memo;
};

exports.parent = async () => {
  const id = wf.workflowInfo().workflowId;
  const sum = await wf.executeChild('continuing', { args: [3], workflowId: `${id}-sum` });
  const child = await wf.startChild('chat', { args: [['first']], workflowId: `${id}-chat` });
  await child.signal(exports.say, 'second');
  await wf.getExternalWorkflowHandle(`${id}-chat`).signal(exports.finish);
  return { sum, heard: await child.result() };
};

exports.parentOfFailure = async () => {
  try {
    await wf.executeChild('throws', { workflowId: `${wf.workflowInfo().workflowId}-child` });
    return 'odd';
  } catch (error) {
    return [error.name, error.cause.name, error.cause.message, error.cause.details[0]];
  }
};

exports.parentThatCancels = async () => {
  const id = `${wf.workflowInfo().workflowId}-child`;
  const scope = new wf.CancellationScope();
  const result = scope.run(() =>
    wf.executeChild('cancellable', {
      workflowId: id,
      cancellationType: wf.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    })
  );
  await wf.sleep('200ms');
  scope.cancel();
  try {
    return await result;
  } catch (error) {
    return wf.isCancellation(error) ? 'cancelled' : `odd: ${error}`;
  }
};

exports.parentOfTwins = async () => {
  const id = `${wf.workflowInfo().workflowId}-twin`;
  await wf.startChild('forever', { workflowId: id });
  try {
    await wf.startChild('forever', { workflowId: id });
    return 'odd';
  } catch (error) {
    return error.name;
  }
};

exports.parentThatLeaves = async () => {
  const id = wf.workflowInfo().workflowId;
  await wf.startChild('forever', { workflowId: `${id}-kept`, parentClosePolicy: wf.ParentClosePolicy.ABANDON });
  await wf.startChild('forever', { workflowId: `${id}-ended` });
  await wf.startChild('cancellable', {
    workflowId: `${id}-asked`,
    parentClosePolicy: wf.ParentClosePolicy.REQUEST_CANCEL,
  });
};

exports.signalsNobody = async () => {
  try {
    await wf.getExternalWorkflowHandle('no-such-workflow').signal(exports.say, 'x');
    return 'odd';
  } catch (error) {
    return error.message;
  }
};

exports.cancelsAnother = async (id) => {
  await wf.getExternalWorkflowHandle(id).cancel();
  return 'asked';
};

exports.async = async () => await wf.proxyActivities({ startToCloseTimeout: '20s' }).later();

exports.asyncWithId = async (details) => {
  const later = wf.proxyActivities({
    startToCloseTimeout: '20s',
    heartbeatTimeout: '15s',
    activityId: 'the-activity',
    cancellationType: wf.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
  });
  return await later.laterWith(details);
};

exports.largeResult = async (bytes) => {
  const once = wf.proxyActivities({ startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });
  return (await once.large(bytes)).length;
};
