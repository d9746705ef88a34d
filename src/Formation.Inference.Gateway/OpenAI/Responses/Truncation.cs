namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>
/// What <c>truncation</c> auto does: where a conversation does not fit the model, the oldest turns are left out. What stands before the first turn of the
/// user (instructions) stays, and so does the last turn; a turn goes with all that was said, called and answered in it.
/// </summary>
internal sealed class Truncation(IInferenceBackend backend, IModelCatalog catalog)
{
    /// <summary>The request with as many of its turns as fit, the newest ones.</summary>
    internal async Task<GenerationRequest> FitAsync(GenerationRequest request, CancellationToken cancellationToken)
    {
        var prompt = (ChatPrompt)request.Prompt;
        int[] turns = [.. Enumerable.Range(0, prompt.Messages.Count).Where(index => prompt.Messages[index].Role == "user")];
        if (turns.Length < 2 || await FitsAsync(request, cancellationToken))
            return request;

        // The fewer turns, the fewer tokens: the first turn from which on all fit is found by halves. The last one is not tried, as nothing is left to leave out.
        (int low, int high) = (1, turns.Length - 1);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (await FitsAsync(From(turns[middle]), cancellationToken))
                high = middle;
            else
                low = middle + 1;
        }

        return From(turns[low]);

        GenerationRequest From(int turn) => request with { Prompt = prompt with { Messages = [.. prompt.Messages.Take(turns[0]), .. prompt.Messages.Skip(turn)] } };
    }

    async Task<bool> FitsAsync(GenerationRequest request, CancellationToken cancellationToken)
    {
        Outcome<GenerationStarted> counted = await backend.CountAsync(request with { Logprobs = null }, cancellationToken);
        if (counted.Error is { } error)
            return error.Kind != GenerationErrorKind.ContextLengthExceeded;

        // By now the model's header was read. Where its context is not known all the same, or something else is wrong, the request itself says so.
        return catalog.Find(request.ModelId)?.ContextLength is not { } context || (long)counted.Value!.PromptTokens + (request.Stop.MaxTokens ?? 1) <= context;
    }
}
