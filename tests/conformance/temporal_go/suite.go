package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	filterpb "go.temporal.io/api/filter/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

type test struct {
	name     string
	run      func(*T)
	restarts bool
}

const limit = 2 << 20

func is[E error](err error) bool {
	_, yes := err.(E)
	return yes
}

func (t *T) execution(suffix string) *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: t.id + suffix}
}

func (t *T) list(query string, pageSize int32) (found []*workflowpb.WorkflowExecutionInfo) {
	for token := []byte(nil); ; {
		page, err := t.ListWorkflow(t, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: pageSize, NextPageToken: token})
		t.ok(err)
		if pageSize > 0 && len(page.Executions) > int(pageSize) {
			t.fail("a page of %d has %d", pageSize, len(page.Executions))
		}
		found = append(found, page.Executions...)
		if token = page.NextPageToken; len(token) == 0 {
			return found
		}
	}
}

// The ids behind the test's own, in the order of the list.
func (t *T) ids(query string, pageSize int32) string {
	var ids []string
	for _, info := range t.list(query, pageSize) {
		ids = append(ids, strings.TrimPrefix(info.Execution.WorkflowId, t.id))
	}
	return strings.Join(ids, " ")
}

func (t *T) count(query string) *workflowservice.CountWorkflowExecutionsResponse {
	counted, err := t.CountWorkflow(t, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	t.ok(err)
	return counted
}

func (t *T) mine() string { return fmt.Sprintf("WorkflowId STARTS_WITH '%s'", t.id) }

// -a completed, -b failed, -c and -d running, one after the other.
func (t *T) four() {
	t.ok(t.start("-a", Hello, "a").Get(t, nil))
	_ = t.start("-b", Broken).Get(t, nil)
	t.start("-c", Chat)
	t.start("-d", Forever)
	t.eventually("four are listed", func() bool {
		return len(t.list(t.mine(), 0)) == 4 && t.ids(t.mine()+" AND ExecutionStatus = 'Running'", 0) == "-d -c"
	})
}

func (t *T) end(suffixes ...string) {
	for _, suffix := range suffixes {
		t.ok(t.TerminateWorkflow(t, t.id+suffix, "", "the test is over"))
	}
}

var tests = []test{
	{name: "runs an activity", run: func(t *T) { equal(t, run[string](t, Hello, "you"), "hello you") }},
	{name: "runs fifty activities at once", run: func(t *T) { equal(t, run[int](t, Many, 50), 50) }},
	{name: "retries an activity", run: func(t *T) { equal(t, run[int](t, Retried), 3) }},
	{name: "runs a local activity", run: func(t *T) { equal(t, run[string](t, Local), "hello local") }},
	{name: "fires and cancels timers", run: func(t *T) {
		equal(t, strings.Join(run[[]string](t, Timers), " "), "cancelled early late")
	}},
	{name: "continues as new", run: func(t *T) { equal(t, run[int](t, Continuing, 4, 0), 10) }},
	{name: "runs a child", run: func(t *T) { equal(t, run[int](t, Parent), 6) }},
	{name: "cancels an activity through its heartbeat", run: func(t *T) { equal(t, run[string](t, CancelsItsActivity), "cancelled") }},
	{name: "signals and queries", run: func(t *T) {
		chat := t.start("", Chat)
		t.ok(t.SignalWorkflow(t, t.id, "", "say", "one"))
		answer, err := t.QueryWorkflow(t, t.id, "", "heard")
		t.ok(err)
		var heard []string
		t.ok(answer.Get(&heard))
		equal(t, strings.Join(heard, " "), "one")
		t.ok(t.SignalWorkflow(t, t.id, "", "finish", nil))
		t.ok(chat.Get(t, &heard))
		equal(t, strings.Join(heard, " "), "one")
	}},
	{name: "starts with a signal, cancels and terminates", run: func(t *T) {
		_, err := t.SignalWithStartWorkflow(t, t.id, "say", "one", client.StartWorkflowOptions{TaskQueue: taskQueue}, Chat)
		t.ok(err)
		forever := t.start("-forever", Forever)
		t.ok(t.CancelWorkflow(t, t.id+"-forever", ""))
		if err := forever.Get(t, nil); !temporal.IsCanceledError(err) {
			contains(t, fmt.Sprint(err), "anceled")
		}
		t.end("")
	}},

	{name: "visibility: finds by status, type, id and task queue", run: func(t *T) {
		t.four()
		mine := t.mine()
		equal(t, t.ids(mine+" AND ExecutionStatus = 'Completed'", 0), "-a")
		equal(t, t.ids(mine+" AND ExecutionStatus IN ('Completed', 'Failed')", 0), "-b -a")
		equal(t, t.ids(mine+" AND ExecutionStatus != 'Running'", 0), "-b -a")
		equal(t, t.ids(mine+" AND WorkflowType = 'Chat'", 0), "-c")
		equal(t, t.ids(mine+" AND (WorkflowType = 'Hello' OR WorkflowType = 'Forever')", 0), "-d -a")
		equal(t, t.ids(fmt.Sprintf("WorkflowId = '%s-b'", t.id), 0), "-b")
		equal(t, t.ids(fmt.Sprintf("WorkflowId IN ('%s-b', '%s-d')", t.id, t.id), 0), "-d -b")
		equal(t, t.ids(fmt.Sprintf("%s AND TaskQueue = '%s'", mine, taskQueue), 0), "-d -c -b -a")
		equal(t, t.ids(mine+" AND TaskQueue = 'another'", 0), "")
		running := t.list(mine+" AND ExecutionStatus = 'Running' AND WorkflowType = 'Forever'", 0)[0]
		equal(t, t.ids(fmt.Sprintf("RunId = '%s'", running.Execution.RunId), 0), "-d")
		equal(t, running.Status, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		equal(t, running.Type.Name, "Forever")
		equal(t, running.TaskQueue, taskQueue)
		closed := t.list(mine+" AND WorkflowType = 'Hello'", 0)[0]
		equal(t, closed.Status, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		if !closed.CloseTime.AsTime().After(closed.StartTime.AsTime()) || closed.HistoryLength < 5 {
			t.fail("closed: %v", closed)
		}
		t.end("-c", "-d")
	}},
	{name: "visibility: finds by time", run: func(t *T) {
		t.four()
		mine := t.mine()
		times := map[string]time.Time{}
		for _, info := range t.list(mine, 0) {
			times[strings.TrimPrefix(info.Execution.WorkflowId, t.id)] = info.StartTime.AsTime()
		}
		at := func(suffix string) string { return "'" + times[suffix].Format(time.RFC3339Nano) + "'" }
		equal(t, t.ids(mine+" AND StartTime >= "+at("-c"), 0), "-d -c")
		equal(t, t.ids(mine+" AND StartTime < "+at("-b"), 0), "-a")
		equal(t, t.ids(mine+" AND StartTime BETWEEN "+at("-b")+" AND "+at("-c"), 0), "-c -b")
		equal(t, t.ids(mine+" AND ExecutionStatus != 'Running' AND CloseTime > "+at("-a"), 0), "-b -a")
		equal(t, t.ids(mine+" AND CloseTime IS NULL", 0), "-d -c")
		t.end("-c", "-d")
	}},
	{name: "visibility: pages, and counts", run: func(t *T) {
		t.four()
		equal(t, t.ids(t.mine(), 1), "-d -c -b -a")
		equal(t, t.ids(t.mine(), 3), "-d -c -b -a")
		equal(t, t.count(t.mine()).Count, 4)
		equal(t, t.count(t.mine()+" AND ExecutionStatus = 'Running'").Count, 2)
		groups := map[string]int64{}
		for _, group := range t.count(t.mine() + " GROUP BY ExecutionStatus").Groups {
			groups[string(group.GroupValues[0].Data)] = group.Count
		}
		equal(t, fmt.Sprint(groups), `map["Completed":1 "Failed":1 "Running":2]`)
		t.end("-c", "-d")
	}},
	{name: "visibility: lists open and closed ones as older clients do", run: func(t *T) {
		t.four()
		open, err := t.ListOpenWorkflow(t, &workflowservice.ListOpenWorkflowExecutionsRequest{
			Filters: &workflowservice.ListOpenWorkflowExecutionsRequest_ExecutionFilter{ExecutionFilter: &filterpb.WorkflowExecutionFilter{WorkflowId: t.id + "-c"}}})
		t.ok(err)
		equal(t, len(open.Executions), 1)
		closed, err := t.ListClosedWorkflow(t, &workflowservice.ListClosedWorkflowExecutionsRequest{
			Filters: &workflowservice.ListClosedWorkflowExecutionsRequest_ExecutionFilter{ExecutionFilter: &filterpb.WorkflowExecutionFilter{WorkflowId: t.id + "-a"}}})
		t.ok(err)
		equal(t, len(closed.Executions), 1)
		t.end("-c", "-d")
	}},
	{name: "visibility: says what is wrong with a query", run: func(t *T) {
		for _, query := range []string{"WorkflowId = ", "Nonsense = 'x'", "WorkflowId = 'x' ORDER", "(WorkflowId = 'x'",
			"ExecutionStatus = 'Sleeping'", "StartTime > 'yesterday'"} {
			_, err := t.ListWorkflow(t, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
			if !is[*serviceerror.InvalidArgument](err) {
				t.fail("%s: %v", query, err)
			}
		}
	}},
	{name: "visibility: closed runs are there after a restart", restarts: true, run: func(t *T) {
		t.four()
		fmt.Println("restart")
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			t.fail("the server was not started again: %v", err)
		}
		t.eventually("four are listed again", func() bool {
			page, err := t.ListWorkflow(t, &workflowservice.ListWorkflowExecutionsRequest{Query: t.mine()})
			return err == nil && len(page.Executions) == 4
		})
		equal(t, t.ids(t.mine()+" AND ExecutionStatus = 'Failed'", 0), "-b")
		t.end("-c", "-d")
	}},

	{name: "describes a task queue", run: func(t *T) {
		for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
			t.eventually("its poller is seen", func() bool {
				described, err := t.DescribeTaskQueue(t, taskQueue, kind)
				t.ok(err)
				return len(described.Pollers) > 0 && described.Pollers[0].Identity != "" &&
					time.Since(described.Pollers[0].LastAccessTime.AsTime()) < 2*time.Minute
			})
		}
		described, err := t.DescribeTaskQueue(t, "unpolled "+t.id, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		t.ok(err)
		equal(t, len(described.Pollers), 0)
	}},
	{name: "deletes closed and running workflows", run: func(t *T) {
		t.ok(t.start("", Hello, "x").Get(t, nil))
		t.start("-running", Forever)
		for _, suffix := range []string{"", "-running"} {
			t.eventually("it is listed", func() bool { return t.ids(fmt.Sprintf("WorkflowId = '%s%s'", t.id, suffix), 0) == suffix })
			_, err := t.service.DeleteWorkflowExecution(t, &workflowservice.DeleteWorkflowExecutionRequest{Namespace: namespace, WorkflowExecution: t.execution(suffix)})
			t.ok(err)
			t.eventually("it is gone", func() bool {
				_, err := t.DescribeWorkflowExecution(t, t.id+suffix, "")
				return is[*serviceerror.NotFound](err)
			})
			t.eventually("it is not listed", func() bool { return len(t.list(fmt.Sprintf("WorkflowId = '%s%s'", t.id, suffix), 0)) == 0 })
		}
		_, err := t.service.DeleteWorkflowExecution(t, &workflowservice.DeleteWorkflowExecutionRequest{Namespace: namespace, WorkflowExecution: t.execution("-never")})
		if !is[*serviceerror.NotFound](err) {
			t.fail("of one that never was: %v", err)
		}
	}},
	{name: "completes activities by their ids", run: func(t *T) {
		waiting := func(suffix string) client.WorkflowRun {
			run := t.start(suffix, Async, "the-activity", "half")
			t.eventually("the activity has begun", func() bool {
				described, err := t.DescribeWorkflowExecution(t, t.id+suffix, "")
				t.ok(err)
				pending := described.PendingActivities
				return len(pending) == 1 && pending[0].State == enumspb.PENDING_ACTIVITY_STATE_STARTED && pending[0].HeartbeatDetails != nil
			})
			return run
		}
		run := waiting("")
		t.ok(t.RecordActivityHeartbeatByID(t, namespace, t.id, "", "the-activity", "more"))
		described, err := t.DescribeWorkflowExecution(t, t.id, "")
		t.ok(err)
		pending := described.PendingActivities[0]
		equal(t, string(pending.HeartbeatDetails.Payloads[0].Data), `"more"`)
		equal(t, pending.ActivityId, "the-activity")
		equal(t, pending.ActivityType.Name, "Later")
		equal(t, pending.Attempt, 1)
		equal(t, pending.MaximumAttempts, 1)
		if pending.LastHeartbeatTime == nil || pending.LastStartedTime == nil || pending.LastWorkerIdentity == "" {
			t.fail("pending: %v", pending)
		}
		t.ok(t.CompleteActivityByID(t, namespace, t.id, "", "the-activity", "by its id", nil))
		var result string
		t.ok(run.Get(t, &result))
		equal(t, result, "by its id")

		run = waiting("-failed")
		t.ok(t.CompleteActivityByID(t, namespace, t.id+"-failed", run.GetRunID(), "the-activity", nil, temporal.NewNonRetryableApplicationError("no", "No", nil)))
		contains(t, fmt.Sprint(run.Get(t, nil)), "no (type: No")

		run = waiting("-cancelled")
		t.ok(t.CancelWorkflow(t, t.id+"-cancelled", ""))
		t.eventually("it may be cancelled", func() bool {
			return t.CompleteActivityByID(t, namespace, t.id+"-cancelled", "", "the-activity", nil, temporal.NewCanceledError()) == nil
		})
		if err := run.Get(t, nil); err == nil {
			t.fail("it was not cancelled")
		}
		err = t.CompleteActivityByID(t, namespace, t.id, "", "the-activity", "again", nil)
		if !is[*serviceerror.NotFound](err) {
			t.fail("of a closed workflow: %v", err)
		}
	}},
	{name: "starts eagerly", run: func(t *T) {
		run, err := t.ExecuteWorkflow(t, client.StartWorkflowOptions{ID: t.id, TaskQueue: taskQueue, EnableEagerStart: true}, Hello, "eager")
		t.ok(err)
		var greeting string
		t.ok(run.Get(t, &greeting))
		equal(t, greeting, "hello eager")
		event, err := t.GetWorkflowHistory(t, t.id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
		t.ok(err)
		equal(t, event.GetWorkflowExecutionStartedEventAttributes().EagerExecutionAccepted, true)
	}},
	{name: "reads a history backwards, in pages", run: func(t *T) {
		t.ok(t.start("", Many, 5).Get(t, nil))
		var forwards, backwards []int64
		for history := t.GetWorkflowHistory(t, t.id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); history.HasNext(); {
			event, err := history.Next()
			t.ok(err)
			forwards = append(forwards, event.EventId)
		}
		for token := []byte(nil); ; {
			page, err := t.service.GetWorkflowExecutionHistoryReverse(t, &workflowservice.GetWorkflowExecutionHistoryReverseRequest{
				Namespace: namespace, Execution: t.execution(""), MaximumPageSize: 4, NextPageToken: token})
			t.ok(err)
			for _, event := range page.History.Events {
				backwards = append(backwards, event.EventId)
			}
			if token = page.NextPageToken; len(token) == 0 {
				break
			}
		}
		slices.Reverse(backwards)
		equal(t, fmt.Sprint(backwards), fmt.Sprint(forwards))
	}},
	{name: "tells about itself", run: func(t *T) {
		system, err := t.service.GetSystemInfo(t, &workflowservice.GetSystemInfoRequest{})
		t.ok(err)
		equal(t, system.Capabilities.EagerWorkflowStart, true)
		cluster, err := t.service.GetClusterInfo(t, &workflowservice.GetClusterInfoRequest{})
		t.ok(err)
		contains(t, cluster.ServerVersion, "1.")
		namespaces, err := t.service.ListNamespaces(t, &workflowservice.ListNamespacesRequest{})
		t.ok(err)
		if !slices.ContainsFunc(namespaces.Namespaces, func(n *workflowservice.DescribeNamespaceResponse) bool { return n.NamespaceInfo.Name == namespace }) {
			t.fail("%s is not listed", namespace)
		}
		attributes, err := t.GetSearchAttributes(t)
		t.ok(err)
		equal(t, attributes.Keys["WorkflowId"], enumspb.INDEXED_VALUE_TYPE_KEYWORD)
		_, err = t.CheckHealth(t, nil)
		t.ok(err)
	}},
	{name: "limits: what a client sends", run: func(t *T) {
		_, err := t.ExecuteWorkflow(t, client.StartWorkflowOptions{ID: t.id, TaskQueue: taskQueue}, Hello, strings.Repeat("x", limit))
		contains(t, fmt.Sprint(err), "Blob data size exceeds limit")
		_, err = t.ExecuteWorkflow(t, client.StartWorkflowOptions{ID: strings.Repeat("i", 1001), TaskQueue: taskQueue}, Hello, "x")
		contains(t, fmt.Sprint(err), "WorkflowId length exceeds limit")
		t.start("", Chat)
		contains(t, fmt.Sprint(t.SignalWorkflow(t, t.id, "", "say", strings.Repeat("x", limit))), "Blob data size exceeds limit")
		t.ok(t.SignalWorkflow(t, t.id, "", "say", strings.Repeat("x", limit-1000)))
		_, err = t.QueryWorkflow(t, t.id, "", "heard", strings.Repeat("x", limit))
		contains(t, fmt.Sprint(err), "Blob data size exceeds limit")
		t.end("")
	}},
	{name: "limits: a result that is almost too large", run: func(t *T) {
		equal(t, run[string](t, LargeResult, limit-1000), fmt.Sprint(limit-1000))
	}},
	{name: "limits: an answer from outside that is too large", run: func(t *T) {
		run := t.start("", Async, "the-activity", "")
		t.eventually("it is answered", func() bool {
			_, err := t.service.RespondActivityTaskCompletedById(t, &workflowservice.RespondActivityTaskCompletedByIdRequest{
				Namespace: namespace, WorkflowId: t.id, ActivityId: "the-activity",
				Result: &commonpb.Payloads{Payloads: []*commonpb.Payload{{Data: make([]byte, limit)}}}})
			return err == nil
		})
		contains(t, fmt.Sprint(run.Get(t, nil)), "Complete result exceeds size limit.")
	}},
	{name: "answers queries in time while large payloads are under way", run: queriesInTime},
}

func queriesInTime(t *T) {
	t.start("-asked", Chat)
	t.ok(t.SignalWorkflow(t, t.id+"-asked", "", "say", "one"))
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := 0; i < 4; i++ {
		load.Add(1)
		go func() {
			defer load.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				// No worker polls its task queue: only the server has work.
				run, err := t.ExecuteWorkflow(t, client.StartWorkflowOptions{ID: fmt.Sprintf("%s-load-%d-%d", t.id, i, n), TaskQueue: "unpolled"},
					Chat, strings.Repeat("x", limit-1000))
				if err != nil {
					continue
				}
				for s := 0; s < 5; s++ {
					_ = t.SignalWorkflow(t, run.GetID(), "", "say", strings.Repeat("y", limit-1000))
				}
				_ = t.TerminateWorkflow(t, run.GetID(), "", "")
			}
		}()
	}
	var took []time.Duration
	for i := 0; i < 40; i++ {
		began := time.Now()
		_, err := t.QueryWorkflow(t, t.id+"-asked", "", "heard")
		if err != nil {
			close(stop)
			load.Wait()
			t.fail("query %d: %v", i, err)
		}
		took = append(took, time.Since(began))
	}
	close(stop)
	load.Wait()
	slices.Sort(took)
	fmt.Printf("        queries under load: median %d ms, longest %d ms\n", took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	if took[len(took)-1] > 5*time.Second || took[len(took)/2] > time.Second {
		t.fail("a query took %v, half of them more than %v", took[len(took)-1], took[len(took)/2])
	}
	t.end("-asked")
}
