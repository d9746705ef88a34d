using System.Buffers.Binary;
using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Peers;

/// <summary>What a node asks another one for.</summary>
enum WeightQuestion : byte
{
    Manifest = 1,
    Holdings = 2,
    Chunk = 3,
}

/// <summary>How the other one answers.</summary>
enum WeightStatus : byte
{
    /// <summary>What was asked for follows.</summary>
    Here = 0,

    /// <summary>The model, or the chunk, is not here.</summary>
    NotHeld = 1,

    /// <summary>The asker has too many connections, or the node too much to do.</summary>
    Busy = 2,

    /// <summary>The question is none; the connection ends.</summary>
    Malformed = 3,
}

/// <summary>A question.</summary>
/// <param name="Digest">The model.</param>
/// <param name="Chunk">The chunk, or 0 where it is not asked for one.</param>
readonly record struct WeightRequestFrame(WeightQuestion Question, string Digest, int Chunk);

/// <summary>The messages between two nodes of which one fetches weights from the other: docs/formats/weight-protocol.md.</summary>
static class WeightProtocol
{
    /// <summary>The name of the protocol (ALPN).</summary>
    public const string Name = "formation-weights/1";

    /// <summary>Bytes of a question.</summary>
    public const int QuestionBytes = 8 + ModelManifest.HashBytes;

    /// <summary>Bytes in front of an answer's content.</summary>
    public const int AnswerBytes = 8;

    /// <summary>Bytes of the largest content.</summary>
    public const int MostContent = ManifestLimits.ManifestBytes;

    public static void Write(WeightRequestFrame question, Span<byte> to)
    {
        to[..4].Clear();
        to[0] = (byte)question.Question;
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], question.Chunk);
        Convert.FromHexString(question.Digest).CopyTo(to[8..]);
    }

    /// <summary>Reads a question from outside. The chunk is not negative; whether the model has it, is not known here.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out WeightRequestFrame question)
    {
        question = new WeightRequestFrame(
            (WeightQuestion)from[0], Convert.ToHexStringLower(from.Slice(8, ModelManifest.HashBytes)), BinaryPrimitives.ReadInt32LittleEndian(from[4..]));
        return !from[1..4].ContainsAnyExcept((byte)0) && question.Question switch
        {
            WeightQuestion.Manifest or WeightQuestion.Holdings => question.Chunk == 0,
            WeightQuestion.Chunk => question.Chunk >= 0,
            _ => false,
        };
    }

    public static void WriteAnswer(WeightStatus status, int length, Span<byte> to)
    {
        to[..4].Clear();
        to[0] = (byte)status;
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], length);
    }

    /// <summary>Reads what stands in front of an answer from outside: only one that is here has content.</summary>
    public static bool TryReadAnswer(ReadOnlySpan<byte> from, out WeightStatus status, out int length)
    {
        status = (WeightStatus)from[0];
        length = BinaryPrimitives.ReadInt32LittleEndian(from[4..]);
        return !from[1..4].ContainsAnyExcept((byte)0) && status switch
        {
            WeightStatus.Here => length is >= 0 and <= MostContent,
            WeightStatus.NotHeld or WeightStatus.Busy or WeightStatus.Malformed => length == 0,
            _ => false,
        };
    }
}
