using System.Text;

namespace Formation.Inference.Node.Heads.Wire;

/// <summary>An event as it crosses a connection.</summary>
static class EventMessage
{
    public static void Write(MessageWriter writer, GenerationEvent item)
    {
        switch (item)
        {
            case GenerationStarted started:
                var start = writer.Begin(1);
                writer.Number(1, started.PromptTokens);
                writer.Optional(2, started.MaxTokens);
                if (started.ToolCalls is not null)
                    Write(writer, 3, started.ToolCalls);
                if (started.Reasoning is not null)
                    Write(writer, 4, started.Reasoning);
                writer.End(start);
                break;
            case GenerationDelta delta:
                Write(writer, 2, delta);
                break;
            case GenerationFinished finished:
                Write(writer, 3, finished);
                break;
            case GenerationFailed { Error: var error }:
                Write(writer, 4, error);
                break;
            default:
                throw new ArgumentException($"An event of kind {item.GetType().Name} is not known.", nameof(item));
        }
    }

    /// <exception cref="GenerationProtocolException">The message is damaged, or a value is beyond its limit.</exception>
    public static GenerationEvent Read(ReadOnlySpan<byte> payload)
    {
        GenerationEvent? read = null;
        var reader = new MessageReader(payload);
        while (reader.Next(out var field))
            read = field switch
            {
                1 => ReadStarted(reader.Message()),
                2 => ReadDelta(reader.Message()),
                3 => ReadFinished(reader.Message()),
                4 => ReadFailed(reader.Message()),
                _ => read,
            };
        return read ?? throw new GenerationProtocolException("an event is of no known kind");
    }

    static void Write(MessageWriter writer, int field, ToolCallSyntax syntax)
    {
        var start = writer.Begin(field);
        writer.Text(1, syntax.Opening);
        writer.Text(2, syntax.Between);
        writer.Text(3, syntax.After);
        writer.Text(4, syntax.Separator);
        writer.Text(5, syntax.End);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, ReasoningSyntax syntax)
    {
        var start = writer.Begin(field);
        writer.Text(1, syntax.Opening);
        writer.Text(2, syntax.Closing);
        writer.Text(3, syntax.Gap);
        writer.Flag(4, syntax.IsOpen);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, GenerationDelta delta)
    {
        var start = writer.Begin(field);
        writer.Number(1, delta.Choice);
        writer.Text(2, delta.Text.Value);
        writer.Numbers(3, delta.TokenIds);
        writer.Flag(4, delta.IsEcho);
        foreach (var token in delta.Tokens)
            TokenMessage.Write(writer, 5, token);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, GenerationFinished finished)
    {
        var start = writer.Begin(field);
        writer.Number(1, finished.Choice);
        writer.Number(2, (int)finished.Reason);
        writer.Number(3, finished.CompletionTokens);
        writer.Text(4, finished.StopString);
        writer.Optional(5, finished.StopTokenId);
        writer.Number(6, finished.CachedPromptTokens);
        foreach (var token in finished.EndTokens)
            TokenMessage.Write(writer, 7, token);
        writer.Number(8, finished.ReasoningTokens);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, GenerationError error)
    {
        var start = writer.Begin(field);
        writer.Optional(1, (int)error.Kind);
        writer.Text(2, Cut(error.Message));
        writer.Text(3, error.Parameter);
        writer.Optional(4, error.RetryAfter is { } time ? (long)Math.Clamp(time.TotalMilliseconds, 0, int.MaxValue) : null);
        writer.End(start);
    }

    static ToolCallSyntax ReadToolCalls(MessageReader reader)
    {
        var syntax = new ToolCallSyntax("", "", "", null, "");
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: syntax = syntax with { Opening = Part(ref reader) }; break;
                case 2: syntax = syntax with { Between = Part(ref reader) }; break;
                case 3: syntax = syntax with { After = Part(ref reader) }; break;
                case 4: syntax = syntax with { Separator = Part(ref reader) }; break;
                case 5: syntax = syntax with { End = Part(ref reader) }; break;
            }

        return syntax;

        static string Part(ref MessageReader reader) => reader.Text("a part of a call's syntax", GenerationProtocol.MaxNameBytes);
    }

    static ReasoningSyntax ReadReasoning(MessageReader reader)
    {
        var syntax = new ReasoningSyntax("", "", "");
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: syntax = syntax with { Opening = Part(ref reader) }; break;
                case 2: syntax = syntax with { Closing = Part(ref reader) }; break;
                case 3: syntax = syntax with { Gap = Part(ref reader) }; break;
                case 4: syntax = syntax with { IsOpen = reader.Flag() }; break;
            }

        // A reader goes by both ends.
        return syntax.Opening.Length > 0 && syntax.Closing.Length > 0 ? syntax
            : throw new GenerationProtocolException("a train of thought has no beginning or no end");

        static string Part(ref MessageReader reader) => reader.Text("a part of a train of thought's syntax", GenerationProtocol.MaxNameBytes);
    }

    static GenerationStarted ReadStarted(MessageReader reader)
    {
        var started = new GenerationStarted(0);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: started = started with { PromptTokens = reader.Int32("the prompt's tokens", 0, int.MaxValue) }; break;
                case 2: started = started with { MaxTokens = reader.Int32("the token limit", 0, int.MaxValue) }; break;
                case 3: started = started with { ToolCalls = ReadToolCalls(reader.Message()) }; break;
                case 4: started = started with { Reasoning = ReadReasoning(reader.Message()) }; break;
            }

        return started;
    }

    static GenerationDelta ReadDelta(MessageReader reader)
    {
        int choice = 0;
        var text = "";
        var isEcho = false;
        List<int>? ids = null;
        List<TokenLogprob>? tokens = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: choice = ReadChoice(ref reader); break;
                case 2: text = reader.Text("a delta's text"); break;
                case 3: reader.Numbers("a delta's tokens", 0, int.MaxValue, GenerationProtocol.TokenIdsOfPart, ids ??= []); break;
                case 4: isEcho = reader.Flag(); break;
                case 5: (tokens ??= []).Add(TokenMessage.Read(reader.Message())); break;
            }

        return new GenerationDelta(choice, text, (IReadOnlyList<TokenLogprob>?)tokens ?? []) { IsEcho = isEcho, TokenIds = (IReadOnlyList<int>?)ids ?? [] };
    }

    static int ReadChoice(ref MessageReader reader) => reader.Int32("a choice", 0, GenerationRequest.MaxChoices - 1);

    static GenerationFinished ReadFinished(MessageReader reader)
    {
        var finished = new GenerationFinished(0, FinishReason.Stop, 0);
        List<TokenLogprob>? end = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: finished = finished with { Choice = ReadChoice(ref reader) }; break;
                case 2: finished = finished with { Reason = (FinishReason)reader.Int32("a reason", 0, (int)FinishReason.Length) }; break;
                case 3: finished = finished with { CompletionTokens = reader.Int32("a choice's tokens", 0, int.MaxValue) }; break;
                case 4: finished = finished with { StopString = reader.Text("a stop string", GenerationProtocol.MaxStopStringBytes) }; break;
                case 5: finished = finished with { StopTokenId = reader.Int32("a token", 0, int.MaxValue) }; break;
                case 6: finished = finished with { CachedPromptTokens = reader.Int32("the cached tokens", 0, int.MaxValue) }; break;
                case 7:
                    if ((end ??= []).Count == GenerationFinished.MaxEndTokens)
                        throw new GenerationProtocolException($"an end has more than {GenerationFinished.MaxEndTokens} tokens");
                    end.Add(TokenMessage.Read(reader.Message()));
                    break;
                case 8: finished = finished with { ReasoningTokens = reader.Int32("the tokens of a train of thought", 0, int.MaxValue) }; break;
            }

        return end is null ? finished : finished with { EndTokens = end };
    }

    internal static GenerationFailed ReadFailed(MessageReader reader)
    {
        var error = new GenerationError(GenerationErrorKind.Internal, "");
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: error = error with { Kind = Kind(reader.Int64()) }; break;
                case 2: error = error with { Message = Readable(reader.Text("a failure's message", GenerationProtocol.MaxMessageBytes)) }; break;
                case 3: error = error with { Parameter = Readable(reader.Text("a parameter's name", GenerationProtocol.MaxNameBytes)) }; break;
                case 4: error = error with { RetryAfter = TimeSpan.FromMilliseconds(reader.Int32("the time to try again", 0, int.MaxValue)) }; break;
            }

        return new GenerationFailed(error);
    }

    // A kind of a later version is a failure that this one can't tell apart.
    static GenerationErrorKind Kind(long value) =>
        value is >= 0 and <= (int)GenerationErrorKind.Internal ? (GenerationErrorKind)value : GenerationErrorKind.Internal;

    /// <summary>A text for people, from a peer.</summary>
    public static string Readable(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;

    /// <summary>A text for people, cut to what a frame may have of it.</summary>
    public static string Cut(string text)
    {
        var length = Math.Min(text.Length, GenerationProtocol.MaxMessageBytes);
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, length)) > GenerationProtocol.MaxMessageBytes)
            length -= length / 8 + 1;
        return length > 0 && char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length];
    }
}
