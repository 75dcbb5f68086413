// The whole contract of ports::Temporal: include this one, then INSTANTIATE_TYPED_TEST_SUITE_P.
#pragma once

#include "contract/temporal/temporal_contract.h"
#include "contract/temporal/temporal_contract_basic.h"
#include "contract/temporal/temporal_contract_children.h"
#include "contract/temporal/temporal_contract_limits.h"
#include "contract/temporal/temporal_contract_reads.h"
#include "contract/temporal/temporal_contract_tasks.h"
#include "contract/temporal/temporal_contract_visibility.h"

namespace reliant::tests {

REGISTER_TYPED_TEST_SUITE_P(
    TemporalContract, RunsHelloWithTheEventsOfARealServer, GivesATaskThatWaitsAndATaskThatIsWaitedFor,
    AnswersALongPollWithNothingBeforeTheDeadline, KnowsItsNamespaces, StartsAWorkflowIdOnce,
    ReusesTheIdOfAClosedWorkflowAsThePolicySays, SignalsBeforeAndDuringAndAfterATask, SignalsWithStartOnce,
    SaysWhetherARunGoesOnAndStartsAnotherForItsMessage, RefusesToEndWhatHasUnseenEvents,
    FailsATaskWithACommandThatItDoesNotSupport, KeepsTransientTasksOutOfTheHistory, MakesATransientTaskANormalOneWhenEventsCame,
    TimesOutAWorkflowTask, ContinuesAsNew, RetriesAFailedWorkflowAsANewRun, TerminatesAtOnce, RequestsCancellationOnce,
    TimesOutARun, DelaysTheStartUntilItsTime, EndsTheDelayWhenASignalCouldHaveStartedIt, RefusesPoliciesThatContradictEachOther,
    SaysByWhomARunIsReplaced, InheritsTypeQueueAndTimeoutsOfTheRunThatContinues, MakesARunThatGoesOnItsOwnRoot,
    NamesNoClientInARunThatIsRetried, EndsTheWaitForARetryWhenASignalCouldHaveStartedIt, EndsTheDelayWhenItIsToBeCancelled,
    TimesOutATaskThatIsTriedAgainWithoutATrace, PutsWhatCameBehindTheTimeoutOfATask,
    RetriesAnActivityWithoutATraceUntilItSucceeds, GivesUpAnActivityAsItsRetryPolicySays, RetriesAnActivityWhenItAskedTo,
    TimesActivitiesOut, KeepsAnActivityAliveWithHeartbeats, CancelsARunningActivityThroughItsHeartbeat,
    CancelsAWaitingActivityAtOnce, RefusesTwoOpenActivitiesOfOneId, RefusesAnActivityWithoutATimeout,
    PutsTheEndsOfActivitiesBehindWhatElseWasBuffered, FiresTimersInTheirOrder, TakesBackATimerThatFiredUnseen,
    SaysWhyAnActivityThatNobodyTookIsCanceled, CancelsAnActivityTwiceInOneTask, GivesAStickyWorkerOnlyWhatIsNew,
    GivesUpAStickyWorkerThatDoesNotCome, GivesUpAStickyWorkerThatDoesNotAnswer, ReturnsTheNextTaskWithTheAnswerToTheLast,
    ReturnsOnlyWhatIsNewAlsoToAWorkerThatIsNotSticky, MakesANewTaskWhenItIsForcedTo, EndsThePollsOfAWorkerThatStops,
    AsksAWorkerDirectlyWhileNothingGoesOn, AttachesAQueryToTheNextTaskAndReportsAFailedOne, AsksDirectlyWhatATaskDidNotAnswer,
    AsksAnotherWhenAStickyWorkerGoesBeforeItAnswers, AsksAnyWorkerOfAClosedRun, KeepsAQueryForTheTaskAfterOneThatFailed,
    RejectsQueriesThatCannotBeAnswered, ReadsAHistoryInPages, WaitsForTheCloseEvent, FollowsAHistoryAsItGrows,
    StartsAChildAndHearsOfItsEnd, TellsTheParentOfTheLastRunOfAChild, FailsToStartAChildWhoseIdIsTaken,
    EndsChildrenAsTheirPolicySays, SignalsAndCancelsOthers, KeepsWhatWorkflowsWantOfEachOtherOverARestart,
    GivesAChildItsOwnTaskTimeout, ReachesNobodyButOthersFromOutside, CancelsWithSuccessWhatHasEnded,
    EndsTheDelayWhenAnotherWorkflowCancels, RefusesWhatAClientMakesTooLarge, RefusesNamesThatAreTooLong,
    RefusesARunIdThatIsNoUuid, FailsATaskThatNamesARunByNoUuid, FailsAnActivityWhoseAnswerIsTooLarge,
    EndsARunWhoseCommandIsTooLarge, FailsATaskWhoseNamesAreTooLong, BoundsThePendingActivities,
    RefusesAnAnswerToAQueryThatIsTooLarge, TakesATaskBackWhenTooMuchWaitsForItsEnd, EndsARunWhoseHistoryIsTooLarge,
    KeepsEverythingAcknowledgedOverARestart);

}  // namespace reliant::tests
