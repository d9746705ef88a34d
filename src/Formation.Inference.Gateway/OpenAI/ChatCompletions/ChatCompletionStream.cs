using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>
/// Step 10 for streamed chat: a chunk with the role for each choice, chunks of text, a chunk with the reason why it ended.
/// </summary>
internal sealed class ChatCompletionStream(
    AnswerHeader header, int choices, bool logprobs, bool includeUsage, ParameterNames names, ToolCallAnswers tools, UsageCount usage,
    FormationRecord formation) : IStreamDialect
{
    public bool IsComplete => usage.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                tools.Begin(started);
                for (int choice = 0; choice < choices; choice++)
                    Write(output, new ChatChunkChoice(choice, new ChatDelta { Role = "assistant", Content = "" }, null, null));
                break;
            case GenerationDelta delta:
                ChatLogprobs? tokens = logprobs ? ChatLogprobs.From(delta.Tokens) : null;
                IReadOnlyList<AnswerPiece> pieces = tools.Read(delta);
                // Log-probabilities are of all tokens, those of thoughts, of calls and those held back, too.
                if (pieces.Count == 0 && tokens is { Content.Count: > 0 })
                    Write(output, new ChatChunkChoice(delta.Choice, new ChatDelta { Content = "" }, tokens, null));
                for (int i = 0; i < pieces.Count; i++)
                    Write(output, new ChatChunkChoice(delta.Choice, Delta(pieces[i]), i == 0 ? tokens : null, null));
                break;
            case GenerationFinished finished:
                foreach (AnswerPiece piece in tools.End(finished.Choice))
                    Write(output, new ChatChunkChoice(finished.Choice, Delta(piece), null, null));
                var end = new ChatChunkChoice(finished.Choice, new ChatDelta(), null, tools.FinishReason(finished))
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

    public ApiError ToApiError(GenerationError error) =>
        GenerationErrors.ToApiError(error, names.Of);

    ChatDelta Delta(AnswerPiece piece) => piece.Kind switch
    {
        AnswerPieceKind.Thought => new ChatDelta { ReasoningContent = piece.Text },
        AnswerPieceKind.Text => new ChatDelta { Content = piece.Text },
        AnswerPieceKind.Call => new ChatDelta
        {
            ToolCalls = [new ToolCall(piece.Call, tools.NewId(), "function", new CalledFunction(piece.Text, ""))],
        },
        _ => new ChatDelta { ToolCalls = [new ToolCall(piece.Call, null, null, new CalledFunction(null, piece.Text))] },
    };

    void Write(ServerSentEvents output, ChatChunkChoice choice)
    {
        if (includeUsage)
        {
            WriteWithUsage(output, [choice], null);
            return;
        }

        Write(output, [choice], null);
    }

    void Write(ServerSentEvents output, ChatChunkChoice[] changed, FormationAnswer? told) => output.Write(
        new ChatCompletionChunk(header.Id, "chat.completion.chunk", header.Created, header.Model, "default", header.SystemFingerprint, changed)
        {
            Formation = told,
        },
        OpenAIJsonContext.Answers.ChatCompletionChunk);

    void WriteWithUsage(ServerSentEvents output, ChatChunkChoice[] changed, Usage? total) => output.Write(
        new ChatCompletionChunkWithUsage(
            header.Id, "chat.completion.chunk", header.Created, header.Model, "default", header.SystemFingerprint, changed, total)
        {
            Formation = total is null ? null : formation.ToAnswer(),
        },
        OpenAIJsonContext.Answers.ChatCompletionChunkWithUsage);
}
