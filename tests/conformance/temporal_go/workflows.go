// What the tests run: workflows and activities, written with the SDK as its users write them.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

func options(change func(*workflow.ActivityOptions)) workflow.ActivityOptions {
	options := workflow.ActivityOptions{
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 50 * time.Millisecond, MaximumAttempts: 5},
	}
	if change != nil {
		change(&options)
	}
	return options
}

func Greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

func Flaky(ctx context.Context, times int) (int, error) {
	attempt := int(activity.GetInfo(ctx).Attempt)
	if attempt < times {
		return 0, fmt.Errorf("attempt %d", attempt)
	}
	return attempt, nil
}

// Says where it is, and is completed from outside.
func Later(ctx context.Context, details string) (string, error) {
	if details != "" {
		activity.RecordHeartbeat(ctx, details)
	}
	return "", activity.ErrResultPending
}

func Beats(ctx context.Context) error {
	for ctx.Err() == nil {
		activity.RecordHeartbeat(ctx, "beat")
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond): // an activity that works in between
		}
	}
	return ctx.Err()
}

func Large(_ context.Context, bytes int) (string, error) { return strings.Repeat("x", bytes), nil }

func Hello(ctx workflow.Context, name string) (greeting string, err error) {
	err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options(nil)), Greet, name).Get(ctx, &greeting)
	return greeting, err
}

func Many(ctx workflow.Context, count int) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, options(nil))
	var futures []workflow.Future
	for i := 0; i < count; i++ {
		futures = append(futures, workflow.ExecuteActivity(ctx, Greet, fmt.Sprint(i)))
	}
	for _, future := range futures {
		if err := future.Get(ctx, nil); err != nil {
			return 0, err
		}
	}
	return len(futures), nil
}

func Retried(ctx workflow.Context) (attempt int, err error) {
	err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options(nil)), Flaky, 3).Get(ctx, &attempt)
	return attempt, err
}

func Async(ctx workflow.Context, id, details string) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, options(func(o *workflow.ActivityOptions) {
		o.ActivityID = id
		o.HeartbeatTimeout = 15 * time.Second
		o.WaitForCancellation = true
		o.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 1}
	}))
	err = workflow.ExecuteActivity(ctx, Later, details).Get(ctx, &result)
	return result, err
}

func Timers(ctx workflow.Context) (order []string, err error) {
	selector := workflow.NewSelector(ctx)
	cancelled, cancel := workflow.WithCancel(ctx)
	selector.AddFuture(workflow.NewTimer(ctx, 300*time.Millisecond), func(workflow.Future) { order = append(order, "late") })
	selector.AddFuture(workflow.NewTimer(ctx, 100*time.Millisecond), func(workflow.Future) { order = append(order, "early") })
	selector.AddFuture(workflow.NewTimer(cancelled, time.Hour), func(f workflow.Future) {
		if temporal.IsCanceledError(f.Get(ctx, nil)) {
			order = append(order, "cancelled")
		}
	})
	cancel()
	for i := 0; i < 3; i++ {
		selector.Select(ctx)
	}
	return order, nil
}

func Chat(ctx workflow.Context) (heard []string, err error) {
	heard = []string{}
	if err := workflow.SetQueryHandler(ctx, "heard", func() ([]string, error) { return heard, nil }); err != nil {
		return nil, err
	}
	said, finish := workflow.GetSignalChannel(ctx, "say"), workflow.GetSignalChannel(ctx, "finish")
	for done := false; !done; {
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(said, func(c workflow.ReceiveChannel, _ bool) {
			var word string
			c.Receive(ctx, &word)
			if len(word) > 100 {
				word = word[:100]
			}
			heard = append(heard, word)
		})
		selector.AddReceive(finish, func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, nil)
			done = true
		})
		selector.Select(ctx)
	}
	return heard, nil
}

func Continuing(ctx workflow.Context, left, sum int) (int, error) {
	if left == 0 {
		return sum, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, Continuing, left-1, sum+left)
}

func Forever(ctx workflow.Context) error {
	return workflow.Sleep(ctx, time.Hour)
}

func Broken(workflow.Context) error {
	return temporal.NewNonRetryableApplicationError("on purpose", "Purpose", nil, 7)
}

func Parent(ctx workflow.Context) (sum int, err error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID + "-child"})
	err = workflow.ExecuteChildWorkflow(ctx, Continuing, 3, 0).Get(ctx, &sum)
	return sum, err
}

func CancelsItsActivity(ctx workflow.Context) (string, error) {
	cancellable, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, options(func(o *workflow.ActivityOptions) {
		o.HeartbeatTimeout = 2 * time.Second
		o.WaitForCancellation = true
	})))
	beating := workflow.ExecuteActivity(cancellable, Beats)
	if err := workflow.Sleep(ctx, 300*time.Millisecond); err != nil {
		return "", err
	}
	cancel()
	if err := beating.Get(ctx, nil); !temporal.IsCanceledError(err) {
		return "", fmt.Errorf("not cancelled: %w", err)
	}
	return "cancelled", nil
}

func Local(ctx workflow.Context) (greeting string, err error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: 5 * time.Second})
	err = workflow.ExecuteLocalActivity(ctx, Greet, "local").Get(ctx, &greeting)
	return greeting, err
}

// How an activity ends whose result is larger than the server takes.
func LargeResult(ctx workflow.Context, bytes int) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, options(func(o *workflow.ActivityOptions) {
		o.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 1}
	}))
	var result string
	err := workflow.ExecuteActivity(ctx, Large, bytes).Get(ctx, &result)
	var failed *temporal.ActivityError
	if errors.As(err, &failed) {
		return failed.Unwrap().Error(), nil
	}
	return fmt.Sprint(len(result)), err
}
