// The real Go SDK against a server: TEMPORAL_SERVICE_ADDRESS, TEMPORAL_NAMESPACE. Prints a line a test; the arguments are words
// that the names of the tests to run contain. With RESTARTS=1 a test may print "restart" and read a line: the server has been
// killed and started again then.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

const taskQueue = "go"

var namespace = "default"

// What a test is given.
type T struct {
	context.Context
	client.Client
	id      string
	service workflowservice.WorkflowServiceClient
}

type failure string

func (t *T) fail(format string, arguments ...any) { panic(failure(fmt.Sprintf(format, arguments...))) }

func (t *T) ok(err error) {
	if err != nil {
		t.fail("%v", err)
	}
}

func equal[V comparable](t *T, got, wanted V) {
	if got != wanted {
		t.fail("got %v, wanted %v", got, wanted)
	}
}

func contains(t *T, text, part string) {
	if !strings.Contains(text, part) {
		t.fail("%q has no %q", text, part)
	}
}

// Until `done` says so: lists of a server may be a little behind.
func (t *T) eventually(what string, done func() bool) {
	for !done() {
		select {
		case <-t.Done():
			t.fail("not in time: %s", what)
		case <-time.After(30 * time.Millisecond): // between two questions
		}
	}
}

func (t *T) start(suffix string, workflow any, arguments ...any) client.WorkflowRun {
	run, err := t.ExecuteWorkflow(t, client.StartWorkflowOptions{ID: t.id + suffix, TaskQueue: taskQueue}, workflow, arguments...)
	t.ok(err)
	return run
}

func run[V any](t *T, workflow any, arguments ...any) (result V) {
	t.ok(t.start("", workflow, arguments...).Get(t, &result))
	return result
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

func attempt(t *T, test func(*T)) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			if words, expected := thrown.(failure); expected {
				err = errors.New(string(words))
			} else {
				panic(thrown)
			}
		}
	}()
	test(t)
	return nil
}

func newWorker(c client.Client) worker.Worker {
	w := worker.New(c, taskQueue, worker.Options{})
	for _, workflow := range []any{Hello, Many, Retried, Async, Timers, Chat, Continuing, Forever, Broken, Parent, CancelsItsActivity,
		Local, LargeResult} {
		w.RegisterWorkflow(workflow)
	}
	for _, activity := range []any{Greet, Flaky, Later, Beats, Large} {
		w.RegisterActivity(activity)
	}
	return w
}

func chosen(name string, words []string) bool {
	for _, word := range words {
		if strings.Contains(name, word) {
			return true
		}
	}
	return len(words) == 0
}

func main() {
	if name := os.Getenv("TEMPORAL_NAMESPACE"); name != "" {
		namespace = name
	}
	c, err := client.Dial(client.Options{HostPort: os.Getenv("TEMPORAL_SERVICE_ADDRESS"), Namespace: namespace, Logger: quiet{}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	w := newWorker(c)
	if err := w.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	number, failed := 0, 0
	for _, each := range tests {
		if !chosen(each.name, os.Args[1:]) || (each.restarts && os.Getenv("RESTARTS") != "1") {
			continue
		}
		number++
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		t := &T{Context: ctx, Client: c, id: fmt.Sprintf("go-%d-%d", os.Getpid(), number), service: c.WorkflowService()}
		if err := attempt(t, each.run); err != nil {
			failed++
			fmt.Printf("FAILED  %s: %v\n", each.name, err)
		} else {
			fmt.Printf("ok      %s (%d ms)\n", each.name, time.Since(began).Milliseconds())
		}
		cancel()
	}
	w.Stop()
	c.Close()
	fmt.Printf("%d of %d passed\n", number-failed, number)
	if number == 0 || failed > 0 {
		os.Exit(1)
	}
}
