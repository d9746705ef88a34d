using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>An event of a response in the background, as it goes to whoever looks on.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Json">The event.</param>
internal readonly record struct ToldEvent(int Sequence, ReadOnlyMemory<byte> Json)
{
    /// <summary>What kept the stream from going on, in place of an event; else null.</summary>
    public ApiError? Failure { get; init; }

    /// <summary>The event's type, which is its first member.</summary>
    internal byte[] Type()
    {
        var reader = new Utf8JsonReader(Json.Span);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                return reader.ValueSpan.ToArray();
            }

        throw new InvalidDataException("An event of a response has no type.");
    }

    /// <summary>Of a kept piece, the events from one on.</summary>
    internal static IReadOnlyList<ToldEvent> Read(KeptEvents piece, int from)
    {
        var events = new List<ToldEvent>();
        ReadOnlyMemory<byte> rest = piece.Content;
        for (int sequence = piece.First; !rest.IsEmpty; sequence++)
        {
            int length = rest.Span.IndexOf((byte)'\n');
            if (sequence >= from)
                events.Add(new ToldEvent(sequence, rest[..length]));
            rest = rest[(length + 1)..];
        }

        return events;
    }

    /// <summary>Events that lie together, as they are kept.</summary>
    internal static KeptEvents Write(IReadOnlyList<ToldEvent> events)
    {
        using var content = new MemoryStream();
        foreach (ToldEvent each in events)
        {
            content.Write(each.Json.Span);
            content.WriteByte((byte)'\n');
        }

        return new KeptEvents(events[0].Sequence, content.ToArray());
    }
}
