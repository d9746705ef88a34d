using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// The gateway's view of models on other machines: chooses a replica for each request, passes on what its head says, and when that head is
/// lost lets another go on behind the last event that the reader got. The reader sees one stream, and a pause. See
/// docs/adr/0021-requests-to-heads.md.
/// </summary>
/// <param name="directory">Who serves which model.</param>
/// <param name="client">Reaches heads.</param>
/// <param name="policy">Chooses replicas; used by this backend only.</param>
/// <param name="options">How far it goes for a request.</param>
/// <param name="metrics">The instruments.</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">Where lost heads are told of.</param>
public sealed partial class ClusterBackend(
    IReplicaDirectory directory,
    IHeadClient client,
    IReplicaSelectionPolicy policy,
    ClusterBackendOptions options,
    RoutingMetrics metrics,
    TimeProvider clock,
    ILogger<ClusterBackend> logger) : IInferenceBackend
{
    private readonly ReplicaLoads _loads = new(policy, options.Suspicion, clock);

    /// <summary>Requests of this gateway that a replica works on.</summary>
    public int RequestsInFlight(string replicaId) => _loads.InFlight(replicaId);

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var complete = Fix(request);
        var progress = new RequestProgress(complete);
        var search = new HeadSearch(complete, directory, _loads, options, clock);
        var budget = new RetryBudget(options);
        long? lostAt = null;
        while (!progress.IsComplete)
        {
            var (lease, unavailable) = await search.FindAsync(mayWait: progress.HasStarted, cancellationToken);
            if (lease is null)
            {
                yield return new GenerationFailed(unavailable!);
                yield break;
            }

            await using var attempt = new HeadAttempt(client, lease, progress, clock, cancellationToken);
            while (!progress.IsComplete)
            {
                var step = await attempt.NextAsync();
                if (step.HasAccepted)
                {
                    search.NoteAccepted();
                    _loads.NoteAnswer(attempt.Replica.HeadPin);
                    metrics.NoteAccepted(request.ModelId, lostAt is { } since ? clock.GetElapsedTime(since) : null);
                    lostAt = null;
                }

                if (step.Event is not null)
                    yield return step.Event is GenerationFinished finished ? finished with { Nodes = NodesOf(request.ModelId, attempt.Replica) } : step.Event;
                if (step.Answer is not null)
                {
                    yield return new GenerationFailed(step.Answer);
                    yield break;
                }

                if (step.Loss is null && step.Refusal is null)
                    continue;
                NoteFailure(
                    request.ModelId, request.RequestId, attempt.Replica, step, search, budget, attempt.Lasted, attempt.HasProgressed);

                // The pause that the reader sees begins with the first loss, and ends when a head has taken the request.
                if (progress.HasStarted)
                    lostAt ??= clock.GetTimestamp();
                if (!budget.IsSpent)
                    break;
                yield return new GenerationFailed(step.Refusal ?? RoutingErrors.TooManyLosses(budget.InARow));
                yield break;
            }
        }

        // Who cancels is told so in any case, also where the request had ended by then.
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Notes that a head did not go on with a request, for the request itself, for others, and for operators.</summary>
    private void NoteFailure(
        string modelId, string requestId, Replica replica, in AttemptStep step, HeadSearch search, RetryBudget budget, TimeSpan lasted, bool hasProgressed)
    {
        search.NoteFailure(replica.HeadPin, hasProgressed, step.Refusal);
        if (step.Loss is not { } loss)
            return;
        budget.Note(loss, lasted, hasProgressed, _loads.MostInFlight(replica.Id));
        metrics.NoteLoss(modelId, loss);
        LogLoss(replica.NodeName, replica.Id, requestId, loss, step.Reason);
        if (loss is not HeadLoss.Failed)
            _loads.NoteLoss(replica.HeadPin);
    }

    /// <summary>Where a replica's layers lie now: a stage may have moved since its head took the request.</summary>
    private IReadOnlyList<string> NodesOf(string modelId, Replica replica) =>
        (directory.Find(modelId)?.Replicas.FirstOrDefault(each => each.Id == replica.Id) ?? replica).Nodes;

    /// <summary>Fixes what the first head would choose, so that each later one has the same.</summary>
    private GenerationRequest Fix(GenerationRequest request) => request with
    {
        Sampling = request.Sampling.Seed is null ? request.Sampling with { Seed = options.NextSeed() } : request.Sampling,
        TemplateTime = request.TemplateTime ?? clock.GetLocalNow(),
    };

    [LoggerMessage(LogLevel.Warning, "The head on {Node} (replica {Replica}) was lost to request {RequestId}: {Loss}: {Reason}")]
    partial void LogLoss(string node, string replica, string requestId, HeadLoss loss, string? reason);
}
