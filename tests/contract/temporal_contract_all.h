// The whole contract of ports::Temporal: include this one, then INSTANTIATE_TYPED_TEST_SUITE_P.
#pragma once

#include "contract/temporal_contract.h"
#include "contract/temporal_contract_basic.h"
#include "contract/temporal_contract_children.h"
#include "contract/temporal_contract_reads.h"
#include "contract/temporal_contract_tasks.h"

namespace reliant::tests {

REGISTER_TYPED_TEST_SUITE_P(
    TemporalContract,
    RunsHelloWithTheEventsOfARealServer,
    GivesATaskThatWaitsAndATaskThatIsWaitedFor,
    AnswersALongPollWithNothingBeforeTheDeadline,
    KnowsItsNamespaces,
    StartsAWorkflowIdOnce,
    ReusesTheIdOfAClosedWorkflowAsThePolicySays,
    SignalsBeforeAndDuringAndAfterATask,
    SignalsWithStartOnce,
    RefusesToEndWhatHasUnseenEvents,
    FailsATaskWithACommandThatItDoesNotSupport,
    KeepsTransientTasksOutOfTheHistory,
    MakesATransientTaskANormalOneWhenEventsCame,
    TimesOutAWorkflowTask,
    ContinuesAsNew,
    RetriesAFailedWorkflowAsANewRun,
    TerminatesAtOnce,
    RequestsCancellationOnce,
    TimesOutARun,
    DelaysTheStartUntilItsTime,
    EndsTheDelayWhenASignalCouldHaveStartedIt,
    RetriesAnActivityWithoutATraceUntilItSucceeds,
    GivesUpAnActivityAsItsRetryPolicySays,
    RetriesAnActivityWhenItAskedTo,
    TimesActivitiesOut,
    KeepsAnActivityAliveWithHeartbeats,
    CancelsARunningActivityThroughItsHeartbeat,
    CancelsAWaitingActivityAtOnce,
    RefusesTwoOpenActivitiesOfOneId,
    RefusesAnActivityWithoutATimeout,
    PutsTheEndsOfActivitiesBehindWhatElseWasBuffered,
    FiresTimersInTheirOrder,
    TakesBackATimerThatFiredUnseen,
    GivesAStickyWorkerOnlyWhatIsNew,
    GivesUpAStickyWorkerThatDoesNotCome,
    GivesUpAStickyWorkerThatDoesNotAnswer,
    ReturnsTheNextTaskWithTheAnswerToTheLast,
    MakesANewTaskWhenItIsForcedTo,
    EndsThePollsOfAWorkerThatStops,
    AsksAWorkerDirectlyWhileNothingGoesOn,
    AttachesAQueryToTheNextTaskAndReportsAFailedOne,
    AsksDirectlyWhatATaskDidNotAnswer,
    RejectsQueriesThatCannotBeAnswered,
    ReadsAHistoryInPages,
    WaitsForTheCloseEvent,
    FollowsAHistoryAsItGrows,
    StartsAChildAndHearsOfItsEnd,
    TellsTheParentOfTheLastRunOfAChild,
    FailsToStartAChildWhoseIdIsTaken,
    EndsChildrenAsTheirPolicySays,
    SignalsAndCancelsOthers,
    KeepsWhatWorkflowsWantOfEachOtherOverARestart,
    KeepsEverythingAcknowledgedOverARestart);

}  // namespace reliant::tests
