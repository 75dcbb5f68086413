#include "kernel/trace_schema.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace reliant::sim {
namespace {

// By name. tools/check/trace_records.py compares it with the code.
constexpr RecordSchema kRecords[] = {
    {"api.call.answered", "debug", "request text, method text, path text, status number",
     "a call of the REST API was answered"},
    {"api.call.failed", "warning", "request text, method text, path text, status number, error text",
     "a call has failed for a reason on the server's side"},
    {"api.chat.of_disabled_user", "info", "user text, chat text", "a chat at work is cancelled: its user was disabled"},
    {"api.chat.recovered", "warning", "user text, chat text, found text, messages number, times number",
     "the engine has lost the run of a running chat; its messages are signalled again"},
    {"api.daemon.registered", "info", "user text, daemon text, token text",
     "a daemon was given a token of its own; token: its id"},
    {"api.message.accepted", "info", "user text, chat text, message text, sequence number",
     "a user's message is stored, and will be answered"},
    {"api.message.not_signalled", "warning", "message text, error text",
     "the workflow could not be signalled for a message; the sweeper will retry"},
    {"api.message.swept", "info", "chat text, message text", "the sweeper has signalled the workflow for an older message"},
    {"api.not_ready", "warning", "check text, error text", "/ready has found a dependency that does not work"},
    {"api.reconcile.failed", "warning", "error text", "a round of the reconciler has failed"},
    {"api.start.failed", "error", "error text", "an api replica cannot listen"},
    {"api.started", "info", "address text", "an api replica listens"},
    {"api.stopped", "info", "", "an api replica has stopped in order"},
    {"api.stream.refused", "info", "user text, chat text, sequence number, stream text, reason text",
     "the token of an open stream is no longer valid: the stream ends"},
    {"api.stream.too_slow", "info", "user text, chat text, sequence number, stream text",
     "a client does not read: its stream ends, and it may resume after that sequence"},
    {"api.sweep.failed", "warning", "error text", "a round of the sweeper has failed"},
    {"api.token.revoked", "info", "user text, token text", "a user has revoked a token"},
    {"api.tokens.not_looked_up", "warning", "error text", "a round of looking for streams of revoked tokens has failed"},
    {"api.update.delivered", "debug", "chat text, user text, sequence number, stream text",
     "an update was written into a client's stream"},
    {"api.update.gap", "error", "chat text, after number, found number", "the store has a gap in a chat's updates"},
    {"api.updates.unreadable", "warning", "chat text, error text", "a stream could not read the store; it will retry"},
    {"auth.keys.not_read", "warning", "error text",
     "the signing keys could not be read from the database; the read is retried"},
    {"bus.complaint", "warning", "error text", "the bus server has reported an error"},
    {"bus.connected", "info", "", "a process has a connection to the bus"},
    {"bus.lost", "warning", "error text", "a process has no connection to the bus, or could not get one"},
    {"bus.slow_consumer", "warning", "subject text", "a subscription is too slow: the newest messages are dropped"},
    {"client.cancelled", "info", "user text, chat text, after number", "a client's cancel was accepted"},
    {"client.chat.created", "info", "user text, chat text", "a client has received the answer that its chat exists"},
    {"client.chat.done", "info", "user text, chat text", "all of a chat's messages were sent, and their turns have ended"},
    {"client.message.accepted", "info", "user text, chat text, message text, sequence number, key text",
     "a client has received the answer that its message is accepted"},
    {"client.project.created", "info", "user text, project text", "a client has received the answer that its project exists"},
    {"client.request.refused", "error", "what text, user? text, chat? text, code? text, error text",
     "the API has refused a request of the workload's client: a defect"},
    {"client.retry", "debug", "method text, path text, error text", "a client retries at another replica"},
    {"client.stream.opened", "debug", "chat text, after number", "a client follows a chat from there on"},
    {"client.stream.refused", "error", "user text, chat text, code text, error text",
     "a stream was refused for good: a defect"},
    {"client.update", "debug", "user text, chat text, sequence number, kind text, digest number, foreign text",
     "a client has received an update; foreign: a mark of another chat in it"},
    {"cluster.stage.failed", "error", "error text", "the tables and users of a run could not be made"},
    {"daemon.ack.not_journaled", "warning", "request_id text, error text",
     "the journal does not take an acknowledgement; the result is offered again"},
    {"daemon.cancel.not_journaled", "warning", "request_id text, error text",
     "the journal does not take a cancel; it is not confirmed"},
    {"daemon.connect.failed", "info", "daemon text, error text", "a gateway was unreachable, or has refused the connection"},
    {"daemon.connected", "info", "user text, daemon text, epoch number, type text, gateway text, address text",
     "a daemon has a stream; type: of the machine"},
    {"daemon.credentials.kept", "info", "daemon text", "a daemon's new credentials are on its disk"},
    {"daemon.credentials.not_kept", "warning", "daemon text, error text",
     "the credentials file cannot be written; the next incarnation has to register again"},
    {"daemon.credentials.not_retired", "warning", "daemon text, error text",
     "the file of refused credentials cannot be moved away; the move is retried"},
    {"daemon.credentials.retired", "info", "daemon text, reason text, kept_as text",
     "credentials that a gateway has refused are moved away"},
    {"daemon.credentials.unreadable", "warning", "daemon text, error text",
     "the credentials file cannot be read; the read is retried"},
    {"daemon.disconnected", "info", "daemon text, epoch number, why text", "a daemon has lost or left a stream"},
    {"daemon.ended", "error", "error text", "a daemon that should run on has ended"},
    {"daemon.journal.not_pruned", "warning", "error text", "old rows of the journal stay for now"},
    {"daemon.journal.unreadable", "warning", "request_id text, error text", "a result or a chunk cannot be read now"},
    {"daemon.left_behind.ended", "warning", "request_id text, daemon text",
     "processes that an earlier incarnation of the daemon had started still ran, and were killed"},
    {"daemon.moved_on", "info", "daemon text, from text, to text",
     "a daemon has a stream elsewhere before its draining gateway ends the old one"},
    {"daemon.output.lost", "warning", "request_id text, error text", "the journal did not take a chunk: its number is a gap"},
    {"daemon.refused", "warning", "daemon text, reason text, error text", "a gateway refuses the credentials"},
    {"daemon.registered", "info", "user text, daemon text, recovers number",
     "a daemon has received a token of its own; recovers: in place of one that was refused"},
    {"daemon.registration.failed", "warning", "daemon text, error text",
     "the server has not registered a daemon; the registration is retried"},
    {"daemon.reloaded", "info", "daemon text, called text", "a daemon has loaded its changed configuration"},
    {"daemon.request.refused", "warning", "request_id text, error text",
     "the journal did not admit a request; the tool was not run"},
    {"daemon.request.waits", "info", "request_id text, daemon text, ahead number",
     "a tool waits for a permit: the maximum number of tools is running"},
    {"daemon.result.acknowledged", "info", "request_id text, daemon text",
     "a daemon has received the acknowledgement that a result is kept"},
    {"daemon.result.bytes", "info", "request_id text", "a simulated daemon sends a result as bytes that are not UTF-8"},
    {"daemon.result.not_journaled", "warning", "request_id text, error text",
     "the journal did not take a result; it is offered all the same"},
    {"daemon.stop.interrupts", "warning", "daemon text, running number", "a stopping daemon ends tools that still run"},
    {"daemon.token.not_kept", "warning", "daemon text, error text",
     "a renewed token could not be written down; the daemon goes on with the old one"},
    {"daemon.token.refused", "error", "daemon? text, error text",
     "a simulated daemon's token was refused though it was not revoked"},
    {"daemon.token.renewed", "info", "daemon text", "a renewed token is in the daemon's file; it uses that from now on"},
    {"daemon.tool.run_again", "info", "request_id text, daemon text, tool text, effect text",
     "a tool that may run twice was interrupted by the end of an earlier incarnation, and runs again"},
    {"daemon.tool.threw", "warning", "request_id text, daemon text, tool text, error text",
     "an exception left a tool; that is the result of this run"},
    {"fault.bus_limits", "info", "target text, other text, lasts_us number", "the bus has small buffers from now on"},
    {"fault.bytes", "info", "provider number, daemon number",
     "of a million model calls and tool results, that many are bytes that are not UTF-8 from now on"},
    {"fault.clock_drift", "info", "target text, other text, lasts_us number", "a clock runs at a wrong rate"},
    {"fault.clock_jump", "info", "target text, other text, lasts_us number", "a wall clock is set to a wrong time"},
    {"fault.commit", "info", "target text, other text, lasts_us number", "a later commit will end in doubt"},
    {"fault.commit.met", "info", "client text", "the commit of fault.commit has ended in doubt"},
    {"fault.crash", "info", "target text, other text, lasts_us number", "a process dies"},
    {"fault.database_lost", "info", "databases number", "commits lose their connections from now on"},
    {"fault.delay", "info", "target text, other text, lasts_us number", "everything between two nodes takes longer"},
    {"fault.disk_full", "info", "target text, other text, lasts_us number", "a daemon's disk is full"},
    {"fault.disk_slow", "info", "target text, other text, lasts_us number", "a daemon's disk is slow"},
    {"fault.engine_restored", "info", "target text, other text, lasts_us number",
     "the engine's process dies, and its database is restored to a state that is lasts_us old"},
    {"fault.half_open", "info", "target text, other text, lasts_us number",
     "connections become half-open: one side does not notice"},
    {"fault.healed", "info", "", "every fault is repaired"},
    {"fault.link_reset", "info", "target text, other text, lasts_us number", "every connection of a node breaks"},
    {"fault.lose_credentials", "info", "target text, other text, lasts_us number",
     "a daemon's process ends, and the file with its token is gone"},
    {"fault.partition", "info", "target text, other text, lasts_us number",
     "two nodes, or one and all others, cannot reach each other"},
    {"fault.pause", "info", "target text, other text, lasts_us number", "a process does not run"},
    {"fault.restarted", "info", "target text", "a process that died is started again"},
    {"fault.resumed", "info", "target text", "a process runs on"},
    {"fault.revoke_token", "info", "target text, other text, lasts_us number", "a user's daemons must register again"},
    {"fault.run_terminated", "info", "target text, other text, lasts_us number", "an operator terminates the workflow `other`"},
    {"fault.silence", "info", "target text, other text, lasts_us number",
     "the next message from a node to another comes lasts_us after the one before it"},
    {"fault.sleep", "info", "target text, other text, lasts_us number", "a machine sleeps"},
    {"fault.stop", "info", "target text, other text, lasts_us number", "a process is asked to end"},
    {"fault.stop.killed", "info", "target text", "a process has not ended within its grace time, and is killed"},
    {"fault.temporal_lost", "info", "target text, other text, lasts_us number", "calls to Temporal get lost from now on"},
    {"fault.throw_in_tool", "info", "target text, other text, lasts_us number",
     "the next tool of a daemon throws an exception"},
    {"fault.torn_commit", "info", "target text, other text, lasts_us number",
     "a machine will die in the middle of a later write"},
    {"gateway.announce.failed", "warning", "error text", "a gateway could not renew its place among the live ones"},
    {"gateway.answer.failed", "warning", "error text", "an answer could not be published; the caller retries"},
    {"gateway.drained", "info", "gateway text, left number",
     "a stopping gateway has drained its daemons; left: still connected at the deadline"},
    {"gateway.lose_overdue.failed", "warning", "error text", "a round of marking lost requests has failed"},
    {"gateway.message.refused", "warning", "subject text, error text, others number",
     "a message of the bus is dropped; others: number of drops that were not logged"},
    {"gateway.read.answered", "debug", "request_id text, user text, daemon text, epoch number, outcome text",
     "the answer of a read-only tool is passed to the waiting caller; it is not stored"},
    {"gateway.read.routed", "debug", "request_id text, user text, daemon text, epoch number, resume_after number",
     "a request of a read-only tool is sent on a daemon's stream; it is not stored"},
    {"gateway.registration.begun", "debug", "gateway text, at_once number",
     "the registration of a stream begins; at_once: registrations under way"},
    {"gateway.registration.ended", "debug", "gateway text",
     "the database has answered a registration, or the attempt has failed"},
    {"gateway.replay.failed", "warning", "daemon text, error text",
     "a daemon's open requests could not be read; their callers retry"},
    {"gateway.request.late", "warning", "request_id text, daemon text",
     "a request came after its deadline, and was not sent to its daemon"},
    {"gateway.request.passed_on", "info", "user text, daemon text, hops number",
     "a request of a user's lane was forwarded to the gateway that holds the daemon"},
    {"gateway.request.replayed", "info",
     "request_id text, user text, daemon text, epoch number, state text, cancelled number, took_us number",
     "an open request is sent to the daemon that has connected"},
    {"gateway.request.routed", "info",
     "request_id text, user text, daemon text, epoch number, resume_after number, took_us number",
     "a request is sent on a daemon's stream"},
    {"gateway.request.user_lane", "info", "user text, daemon text, request_id text, hops number",
     "the holder accepts a request from the queue group"},
    {"gateway.request.user_sync_lane", "info", "user text, daemon text, request_id text, hops number",
     "the holder accepts a request from a user's lane"},
    {"gateway.result.begun", "debug", "user text, daemon text, epoch number, bytes number",
     "a gateway asks the store to keep a result of so many bytes"},
    {"gateway.result.ended", "debug", "user text, daemon text, epoch number, bytes number",
     "the store has answered, or the write has failed"},
    {"gateway.result.kept", "info", "request_id text, user text, daemon text, epoch number, outcome text, took_us number",
     "a result is in the store; the acknowledgement to the daemon follows"},
    {"gateway.session.closed", "info", "user text, daemon text, epoch number, gateway text, why text, reason text",
     "a daemon's stream has ended"},
    {"gateway.session.end_not_recorded", "debug", "error text",
     "the end of a stream could not be stored, or the store has a newer stream"},
    {"gateway.session.opened", "info", "user text, daemon text, epoch number, gateway text",
     "a daemon's stream was accepted and has its epoch"},
    {"gateway.session.refused", "warning", "error text, retry_after_us number", "a stream was not accepted"},
    {"gateway.session.status", "info", "user text, daemon text, epoch number, status text",
     "the status of a daemon at its gateway has changed"},
    {"gateway.started", "info", "gateway text, address text", "a gateway listens"},
    {"gateway.status.written", "debug", "user text, daemon text, epoch number, status text, took_us number",
     "a daemon's connection is stored, or its lease is renewed"},
    {"gateway.subscribe.failed", "warning", "daemon? text, subject? text, error text",
     "the subjects of a daemon could not be subscribed"},
    {"gateway.token.issued", "info", "user text, daemon text, epoch number",
     "a token that will replace a daemon's token was sent to it"},
    {"gateway.token.not_renewed", "warning", "daemon text, error text",
     "a daemon's token could not be renewed; it is offered again, or the next registration uses the new one"},
    {"gateway.token.taken_up", "info", "user text, daemon text, epoch number",
     "a daemon uses its new token; the old one is revoked"},
    {"gateway.tokens.not_looked_up", "warning", "error text", "a round of looking for revoked tokens has failed"},
    {"gateway.withdraw.failed", "warning", "",
     "a stopping gateway could not remove itself from the list of live gateways; its lease expires"},
    {"health.check.failed", "warning", "check text, error text", "a dependency of a server does not work"},
    {"http_server.accept.failed", "warning", "error text", "a connection could not be accepted"},
    {"http_server.connection.refused", "debug", "peer text, open number",
     "a connection or handshake was refused: the maximum is open"},
    {"http_server.handler.silent", "error", "request text", "a handler returned no response: a defect"},
    {"http_server.handler.threw", "error", "request text, error text", "a handler has thrown: a defect"},
    {"http_server.handshake.failed", "debug", "peer text, error text", "the TLS handshake of a client has failed"},
    {"intruder.published", "info", "what text, subject text, request_id text",
     "a hostile client of the bus has published a message; what: request, borrowed (with another message's signature), again "
     "(a replay of a message that it has received), notice or command"},
    {"log.repeated", "warning", "event text, count number, seconds number, last text",
     "events of one kind that were counted and not logged"},
    {"net.bus", "debug", "from number, sent_ns number, about text, bytes number",
     "a message of the bus has arrived; about: its subject (trace files only)"},
    {"net.http", "debug", "from number, sent_ns number, about text, bytes number",
     "a request, a head or a part of a body has arrived (trace files only)"},
    {"net.link", "debug", "from number, sent_ns number, about text, bytes number",
     "a frame of a daemon's or a gateway's stream has arrived (trace files only)"},
    {"node.crashed", "info", "called text, life number", "a process has died"},
    {"node.exited", "info", "called text, life number", "a process has ended by itself"},
    {"node.started", "info", "called text, life number", "a process begins"},
    {"process.cut_off", "warning", "",
     "a process had not finished at the end of its grace time, or received a second signal to stop"},
    {"process.database.unverified", "warning", "host text, remedy text",
     "the database is on another machine, and the identity of that server is not verified"},
    {"process.failed", "error", "error text, exit_code number",
     "an exception has left a task that no other task waits for: the process ends"},
    {"process.few_open_files", "warning", "allowed number, remedy text",
     "the limit of open files allows fewer connections than a server needs"},
    {"process.stop_incomplete", "warning", "", "an orderly stop had not finished at the end of its grace time"},
    {"process.stopping", "info", "grace_seconds number", "a process was asked to stop"},
    {"process.streaming.forced", "warning", "asked text",
     "a server streams over NATS, although another way was asked for (R29)"},
    {"provider.error_page", "info", "chat text, status number",
     "a simulated provider answers with an error page that is not UTF-8"},
    {"run.begun", "info", "scenario text, file text, seed number, options text", "the scenario, seed and options of the run"},
    {"run.chaos", "info", "", "clients and faults begin"},
    {"run.ended", "info", "outcome text, hash text", "the outcome of the run (trace files only)"},
    {"run.node", "info", "id number, called text, role text, user text, daemon text",
     "the name and role of a node; user and daemon: of a daemon's machine, user: of a client"},
    {"run.quiesced", "info", "unfinished number", "the clients have received all that they wait for, or the time is up"},
    {"run.violation", "error",
     "oracle text, what text, request_id? text, message? text, chat? text, project? text, daemon? text, user? text, "
     "event? text",
     "an oracle reports a violation; step and time: of the record, or of the end (trace files only)"},
    {"store.clock.not_measured", "warning", "error text",
     "the clock of the database could not be read; a server keeps the last measurement"},
    {"temporal.activity.dropped", "info", "workflow text, activity text, type text, code text, message text",
     "the server no longer accepts an activity's result"},
    {"temporal.engine.clock.behind", "warning", "by_ms number",
     "the wall clock is behind the time that the engine had reached: the engine goes on from its own time"},
    {"temporal.engine.clock.not_kept", "warning", "error text", "the time that the engine has reached could not be written"},
    {"temporal.engine.commit.doubtful", "warning", "error text",
     "the outcome of a batch's commit is unknown; the engine reads it back"},
    {"temporal.engine.commit.failed", "error", "error text", "a batch was refused: a defect"},
    {"temporal.engine.commit.given_up", "warning", "error text", "a batch could not be written"},
    {"temporal.engine.payload.large", "warning", "workflow_id text, what text, bytes number",
     "a payload is above a quarter of the limit: it is accepted, but may be a mistake"},
    {"temporal.engine.started", "info", "timers number, waiting number", "the engine has loaded its timers and tasks"},
    {"temporal.poll.failed", "info", "queue text, what text, code text, message text",
     "a worker's poll has failed; it polls again"},
    {"temporal.run.rebuilt", "debug", "workflow text", "a workflow was run again over its history"},
    {"temporal.workflow_task.dropped", "info", "workflow text, code text, message text",
     "the server no longer accepts a workflow task's commands"},
    {"temporal.workflow_task.failed", "warning error", "workflow text, type text, attempt number, reason text, message text",
     "a workflow's code has failed; error: not deterministic"},
    {"tool.effect.finished", "info", "request_id text, tool text, effect text, daemon text, user text, chat text",
     "a tool has ended on a daemon"},
    {"tool.effect.started", "info", "request_id text, tool text, effect text, daemon text, user text, chat text",
     "a tool begins on a daemon: from here on it may have had an effect"},
    {"trace.version", "info", "version number", "the version of the lines below (the first line of trace files only)"},
    {"updates.publish.failed", "warning", "chat text, error text",
     "a notice was not published; readers find the update by polling"},
    {"worker.daemon.chosen", "info", "user text, chat text, request_id text, daemon text, source text",
     "the daemon that was chosen for a tool call, and the rule that chose it"},
    {"worker.daemon.offline", "info", "user text, daemon text, request_id text, took_us number",
     "no gateway holds the daemon that a tool call is for; took_us: until that was known"},
    {"worker.daemon.resumed", "info", "user text, daemon text", "a suspended machine was resumed"},
    {"worker.model.failed", "warning", "user text, chat text, attempt number, next_in_us number, error text",
     "a call of the model has failed, and is retried"},
    {"worker.read.asked_again", "info", "user text, daemon text, request_id text, error text",
     "the answer of a read-only tool is lost; the read is retried"},
    {"worker.tool.cancel_failed", "warning", "chat text, error text", "a cancel did not reach the daemon"},
    {"worker.tool.cancel_left", "info", "request_id text, error text",
     "a cancel could not be passed on; the daemon receives it when it connects"},
    {"worker.tool.finished", "info",
     "user text, chat text, request_id text, call text, tool text, outcome text, took_us number, write_us number",
     "the chat has a tool's result: this is what the model receives; took_us: from the request on, write_us: to store it"},
    {"worker.turn.end_refused", "warning", "user text, chat text, turn text, error text",
     "the end of a turn was refused for good; a minimal one is written"},
    {"worker.turn.finished", "info", "user text, chat text, turn text, status text", "a turn has ended"},
};
static_assert(std::ranges::is_sorted(kRecords, {}, &RecordSchema::name), "by name");

struct FieldSchema {
  std::string_view name;
  bool optional = false;
  bool number = false;
};

// Takes the first field off a list "user? text, epoch number".
FieldSchema take_field(std::string_view& list) {
  FieldSchema field;
  const std::string_view one = list.substr(0, list.find(','));
  list.remove_prefix(std::min(one.size() + 2, list.size()));
  const std::size_t blank = one.find(' ');
  field.name = one.substr(0, blank);
  field.number = one.substr(blank + 1) == "number";
  field.optional = field.name.ends_with('?');
  if (field.optional) field.name.remove_suffix(1);
  return field;
}

}  // namespace

std::span<const RecordSchema> record_schemas() { return kRecords; }

const RecordSchema* find_record_schema(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kRecords, name, {}, &RecordSchema::name);
  return found != std::end(kRecords) && found->name == name ? found : nullptr;
}

std::string mismatch(const TraceRecord& record) {
  const RecordSchema* schema = find_record_schema(record.name);
  if (schema == nullptr) return concat("\"", record.name, "\" is not described in sim/kernel/trace_schema.cpp");
  if (schema->levels.find(level_name(record.level)) == std::string_view::npos) {
    return concat("\"", record.name, "\" has level ", level_name(record.level), ", and is described with ", schema->levels);
  }
  std::size_t next = 0;
  for (std::string_view rest = schema->fields; !rest.empty();) {
    const FieldSchema field = take_field(rest);
    const bool there = next < record.fields.size() && record.fields[next].key == field.name;
    if (!there && field.optional) continue;
    if (!there) return concat("\"", record.name, "\" lacks the field \"", field.name, "\" at its position");
    if (std::holds_alternative<std::int64_t>(record.fields[next].value) != field.number) {
      return concat("\"", record.name, "\": the field \"", field.name, "\" is not a ", field.number ? "number" : "text");
    }
    ++next;
  }
  if (next == record.fields.size()) return "";
  return concat("\"", record.name, "\" has the field \"", record.fields[next].key, "\", which is not described");
}

std::string trace_json_schema() {
  std::string variants;
  for (const RecordSchema& record : kRecords) {
    std::string properties;
    std::string required;
    for (std::string_view rest = record.fields; !rest.empty();) {
      const FieldSchema field = take_field(rest);
      properties += concat(", \"", field.name, "\": {\"type\": \"", field.number ? "integer" : "string", "\"}");
      if (!field.optional) required += concat(", \"", field.name, "\"");
    }
    variants += concat(variants.empty() ? "" : ",", "\n    {\"description\": \"", record.about,
                       "\", \"properties\": {\"name\": {\"const\": \"", record.name, "\"}", properties,
                       "}, \"required\": [\"name\"", required, "]}");
  }
  return concat(R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "a line of a trace",
  "type": "object",
  "properties": {
    "step": {"type": "integer", "description": "of the run, so that the record can be found in a second run"},
    "time_ns": {"type": "integer", "description": "since the run began"},
    "node": {"type": "integer", "description": "where; 0: the world. run.node names them"},
    "level": {"enum": ["debug", "info", "warning", "error"]}
  },
  "required": ["step", "time_ns", "node", "level", "name"],
  "oneOf": [)",
                variants, "\n  ]\n}");
}

}  // namespace reliant::sim
