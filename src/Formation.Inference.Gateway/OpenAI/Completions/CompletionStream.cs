using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>Step 10 for streamed completions. The choices of prompt p have the indices p × n to p × n + n - 1.</summary>
internal sealed class CompletionStream(AnswerHeader header, CompletionPlan plan, bool includeUsage, UsageCount usage, FormationRecord formation) : IStreamDialect
{
    static readonly ParameterNames Names = new("prompt", "max_tokens", FormatMapping.StructuredOutputsName);

    readonly Dictionary<int, CompletionLogprobsWriter> _logprobs = [];

    public bool IsComplete => usage.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationDelta delta:
                int index = Index(item.Prompt, delta.Choice);
                Write(output, new CompletionChoice(delta.Text.Value, index, Logprobs(item.Prompt, index, delta), null));
                break;
            case GenerationFinished finished:
                var end = new CompletionChoice("", Index(item.Prompt, finished.Choice), null, FinishReasons.Of(finished))
                {
                    StopReason = FinishReasons.StopReason(finished),
                };
                Write(output, end);
                break;
        }
    }

    public void WriteEnd(ServerSentEvents output)
    {
        if (includeUsage)
            WriteWithUsage(output, [], Usage.From(usage));
        else if (formation.ToAnswer() is { } told)
            Write(output, [], told);
        output.WriteDone();
    }

    public void WriteError(ApiError error, ServerSentEvents output) =>
        output.Write(ErrorBody.From(error), ErrorJsonContext.Relaxed.ErrorBody);

    public ApiError ToApiError(GenerationError error) => GenerationErrors.ToApiError(error, Names.Of);

    int Index(int prompt, int choice) => (prompt * plan.Choices) + choice;

    CompletionLogprobs? Logprobs(int prompt, int index, GenerationDelta delta)
    {
        if (plan.Logprobs is not { } top)
            return null;
        if (!_logprobs.TryGetValue(index, out CompletionLogprobsWriter? writer))
            _logprobs[index] = writer = new CompletionLogprobsWriter(top, plan.FirstTextOffset(prompt));
        return writer.Write(delta.Tokens);
    }

    void Write(ServerSentEvents output, CompletionChoice choice)
    {
        if (includeUsage)
            WriteWithUsage(output, [choice], null);
        else
            Write(output, [choice], null);
    }

    void Write(ServerSentEvents output, CompletionChoice[] changed, FormationAnswer? told) => output.Write(
        new Completion(header.Id, "text_completion", header.Created, header.Model, header.SystemFingerprint, changed) { Formation = told },
        OpenAIJsonContext.Answers.Completion);

    void WriteWithUsage(ServerSentEvents output, CompletionChoice[] changed, Usage? total) => output.Write(
        new CompletionChunkWithUsage(header.Id, "text_completion", header.Created, header.Model, header.SystemFingerprint, changed, total)
        {
            Formation = total is null ? null : formation.ToAnswer(),
        },
        OpenAIJsonContext.Answers.CompletionChunkWithUsage);
}
