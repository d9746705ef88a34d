using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Relays;

/// <summary>What a relay answers. The numbers are on the wire.</summary>
public enum RelayStatus : byte
{
    /// <summary>The two ends are joined: what follows is between them.</summary>
    Joined = 0,

    /// <summary>The one who asks is not admitted.</summary>
    Refused = 1,

    /// <summary>Nobody with this key is online here.</summary>
    Unknown = 2,

    /// <summary>The one who was called did not call back in time.</summary>
    NoAnswer = 3,

    /// <summary>There are as many relayed connections as may be.</summary>
    Busy = 4,

    /// <summary>The ticket is another one's, was used, has expired, or never was.</summary>
    BadTicket = 5,
}

/// <summary>What is asked of a relay. The numbers are on the wire.</summary>
public enum RelayAsk : byte
{
    /// <summary>Call the holder of a key, and join us.</summary>
    Call = 1,

    /// <summary>I was called: join me to the one who asked for me.</summary>
    Answer = 2,
}

/// <summary>The two messages of a relay, in front of a stream that it does not understand. See docs/formats/relay-protocol.md.</summary>
public static class RelayProtocol
{
    /// <summary>The name of the protocol (ALPN), on a gateway's port for nodes.</summary>
    public const string Name = "formation-relay/1";

    /// <summary>Bytes of a ticket: random, so that nobody guesses one.</summary>
    public const int TicketBytes = 32;

    /// <summary>Bytes of a question: what is asked, three that are 0, and the pin that is called or the ticket.</summary>
    public const int QuestionBytes = 4 + KeyPin.ByteCount;

    /// <summary>Bytes of an answer: the status, and three that are 0.</summary>
    public const int AnswerBytes = 4;

    /// <summary>Writes a question.</summary>
    /// <param name="ask">What is asked.</param>
    /// <param name="subject">The pin or the ticket, 32 bytes.</param>
    public static byte[] Question(RelayAsk ask, ReadOnlySpan<byte> subject)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(subject.Length, TicketBytes);
        var question = new byte[QuestionBytes];
        question[0] = (byte)ask;
        subject.CopyTo(question.AsSpan(4));
        return question;
    }

    /// <summary>Reads a question from outside, <see cref="QuestionBytes"/> long.</summary>
    /// <param name="question">The bytes.</param>
    /// <param name="ask">What is asked.</param>
    /// <param name="subject">The pin or the ticket.</param>
    public static bool TryReadQuestion(ReadOnlySpan<byte> question, out RelayAsk ask, out byte[] subject)
    {
        ask = (RelayAsk)question[0];
        subject = question[4..QuestionBytes].ToArray();
        return ask is RelayAsk.Call or RelayAsk.Answer && !question[1..4].ContainsAnyExcept((byte)0);
    }

    /// <summary>Writes an answer.</summary>
    public static byte[] Answer(RelayStatus status) => [(byte)status, 0, 0, 0];

    /// <summary>Reads an answer from outside, <see cref="AnswerBytes"/> long.</summary>
    public static bool TryReadAnswer(ReadOnlySpan<byte> answer, out RelayStatus status)
    {
        status = (RelayStatus)answer[0];
        return status <= RelayStatus.BadTicket && !answer[1..AnswerBytes].ContainsAnyExcept((byte)0);
    }

    /// <summary>A sentence's end for people: why there is no connection.</summary>
    public static string Describe(RelayStatus status) => status switch
    {
        RelayStatus.Refused => "the relay does not know this node",
        RelayStatus.Unknown => "it has no control stream to the relay",
        RelayStatus.NoAnswer => "it did not call back in time",
        RelayStatus.Busy => "the relay has as many connections as it may have",
        RelayStatus.BadTicket => "the call was over",
        _ => "the relay joined them",
    };
}
