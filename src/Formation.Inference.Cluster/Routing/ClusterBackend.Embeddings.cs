namespace Formation.Inference.Cluster.Routing;

// Requests for vectors: nothing of them is delivered before all is there, so whoever comes after a lost head begins anew.
public sealed partial class ClusterBackend
{
    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        var search = new HeadSearch(Routed(request), directory, _loads, options, clock);
        var budget = new RetryBudget(options);
        while (true)
        {
            var (lease, unavailable) = await search.FindAsync(mayWait: false, cancellationToken);
            if (lease is null)
                return unavailable!;
            using (lease)
            {
                var begunAt = clock.GetTimestamp();
                var (answer, step) = await TryEmbedAsync(lease.Replica, request, cancellationToken);
                if (answer is not null)
                {
                    _loads.NoteAnswer(lease.Replica.HeadPin);
                    return answer;
                }

                if (step.Answer is { } refused)
                    return refused;
                NoteFailure(request.ModelId, request.RequestId, lease.Replica, step, search, budget, clock.GetElapsedTime(begunAt), hasProgressed: false);
                if (budget.IsSpent)
                    return step.Refusal ?? RoutingErrors.TooManyLosses(budget.InARow);
            }
        }
    }

    private async Task<(EmbeddingAnswer? Answer, AttemptStep Step)> TryEmbedAsync(
        Replica replica, EmbeddingRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await client.EmbedAsync(replica, request, cancellationToken);
            return outcome.Error is { } error ? (null, AttemptStep.Of(error, wasAccepted: false)) : (outcome.Value, default);
        }
        catch (HeadLostException loss)
        {
            return (null, AttemptStep.Lost(loss.Loss, loss.Message));
        }
    }

    /// <summary>What the choice of a head looks at: the first input stands for all.</summary>
    private static GenerationRequest Routed(EmbeddingRequest request) => new()
    {
        RequestId = request.RequestId,
        ModelId = request.ModelId,
        AccountId = request.AccountId,
        Prompt = request.Inputs[0],
        Choices = 0,
    };
}
