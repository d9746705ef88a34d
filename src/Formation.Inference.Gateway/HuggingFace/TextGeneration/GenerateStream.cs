using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>Step 10 for streams: one event for each token, of which the last has all of the text.</summary>
internal sealed class GenerateStream(GeneratePlan plan, UsageCount usage) : IStreamDialect
{
    readonly TokenTexts _texts = new();
    GenerationStarted? _started;
    GenerationFinished? _finished;
    (GeneratedToken Token, IReadOnlyList<GeneratedToken>? Top)? _held;
    int _index, _tokens;

    public bool IsComplete => usage.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                _started = started;
                break;
            case GenerationDelta delta:
                _texts.Add(delta.Text.Value);
                Write(_texts.Of(delta.Tokens), delta.Tokens, output);
                break;
            case GenerationFinished finished:
                _finished = finished;
                break;
        }
    }

    public void WriteEnd(ServerSentEvents output)
    {
        GenerationFinished finished = _finished!;
        List<GeneratedToken> end = _texts.End(finished);

        // What stands before the told tokens is the rest of a text, and has no place of its own.
        int untold = end.Count - finished.EndTokens.Count;
        for (int i = 0; i < end.Count; i++)
            Hold(end[i], i < untold ? null : TokenTexts.Top(finished.EndTokens[i - untold]), output);

        // A text that is whole by itself may end without a token; the last event has one all the same.
        (GeneratedToken last, IReadOnlyList<GeneratedToken>? top) = _held ?? (new GeneratedToken(0, "", 0, Special: true), null);
        StreamDetails? details = plan.HasDetails
            ? new StreamDetails(FinishReasons.Of(finished), finished.CompletionTokens, plan.Seed, usage.PromptTokens)
            : null;
        Write(new StreamResponse(++_index, last, top, plan.Prefix + _texts.Text, details), output);
    }

    public void WriteError(ApiError error, ServerSentEvents output) =>
        output.Write(HuggingFaceErrorBody.From(error, isOfEmbedding: false), HuggingFaceJsonContext.Answers.HuggingFaceErrorBody);

    public ApiError ToApiError(GenerationError error) => HuggingFaceErrors.OfBackend(error, GenerateMapping.ParameterName);

    void Write(IEnumerable<GeneratedToken> tokens, IReadOnlyList<TokenLogprob> from, ServerSentEvents output)
    {
        int i = 0;
        foreach (GeneratedToken token in tokens)
        {
            _tokens++;
            Hold(token, TokenTexts.Top(from[i++]), output);

            // The last event has more in it. A token may be the last one where the limit is reached, or a text may be whole by itself.
            if (plan.Request.Format is null && _tokens != (_started?.MaxTokens ?? plan.Request.Stop.MaxTokens))
                Release(output);
        }
    }

    /// <summary>Writes the token before, and keeps this one until it is known whether it is the last.</summary>
    void Hold(GeneratedToken token, IReadOnlyList<GeneratedToken>? top, ServerSentEvents output)
    {
        Release(output);
        _held = (token, top);
    }

    void Release(ServerSentEvents output)
    {
        if (_held is var (token, top))
            Write(new StreamResponse(++_index, token, top, null, null), output);
        _held = null;
    }

    static void Write(StreamResponse item, ServerSentEvents output) => output.Write(item, HuggingFaceJsonContext.Answers.StreamResponse);
}
