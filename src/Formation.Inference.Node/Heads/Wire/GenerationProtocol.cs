namespace Formation.Inference.Node.Heads.Wire;

/// <summary>The fixed values of the generation protocol; docs/formats/generation-protocol.md describes it.</summary>
static class GenerationProtocol
{
    /// <summary>The name of the protocol (ALPN); the number in it is its version.</summary>
    public const string Name = "formation-generate/1";

    /// <summary>A frame's length (4 bytes, of the payload) and type (1).</summary>
    public const int HeaderBytes = 5;

    /// <summary>The largest request: as much as a gateway takes from its client, and room for how it is written here.</summary>
    public const int MaxRequestBytes = 32 << 20;

    /// <summary>The largest event that is no echo. Deltas above that are sent in parts.</summary>
    public const int MaxEventBytes = 1 << 20;

    /// <summary>The largest event of a request that wants its prompt back: the log-probabilities of a long prompt come in one.</summary>
    public const int MaxEchoBytes = 64 << 20;

    /// <summary>The largest frame of all other types.</summary>
    public const int MaxControlBytes = 4096;

    /// <summary>Bytes of a name or id.</summary>
    public const int MaxNameBytes = 2048;

    /// <summary>Bytes of a text for people: a failure's message, a reason.</summary>
    public const int MaxMessageBytes = 2048;

    public const int MaxMessages = 4096;
    public const int MaxTemplateVariables = 256;
    public const int MaxJsonDepth = 64;
    public const int MaxLogitBiases = 4096;
    public const int MaxStopStrings = 64;
    public const int MaxStopStringBytes = 16 * 1024;
    public const int MaxStopTokenIds = 1024;
    public const int MaxAlternatives = 20;

    /// <summary>Tokens of a part of a delta with log-probabilities: far below <see cref="MaxEventBytes"/>, whatever the tokens are.</summary>
    public const int TokensOfPart = 64;

    /// <summary>UTF-16 code units of a part of a delta, at most three bytes each.</summary>
    public const int TextOfPart = 64 * 1024;

    /// <summary>Values of a part of an input's vectors, four bytes each.</summary>
    public const int ValuesOfPart = 64 * 1024;

    /// <summary>Token ids of a part of a delta without log-probabilities, at most five bytes each.</summary>
    public const int TokenIdsOfPart = 64 * 1024;
}

/// <summary>What a frame is.</summary>
enum FrameType : byte
{
    /// <summary>To the head: generate.</summary>
    Request = 1,

    /// <summary>To the head: nobody reads the request any more.</summary>
    Cancel = 2,

    /// <summary>From the head: one event.</summary>
    Event = 3,

    /// <summary>From the head: the work on the request has ended; the connection is free for the next one.</summary>
    End = 4,

    /// <summary>Both: this side lives.</summary>
    Ping = 5,

    /// <summary>From the head: it takes no more requests on this connection.</summary>
    Goodbye = 6,
}

/// <summary>Why the work on a request has ended.</summary>
enum EndCode
{
    /// <summary>All events were sent.</summary>
    Complete = 0,

    /// <summary>It was cancelled.</summary>
    Cancelled = 1,

    /// <summary>The head ends in order; what is not done is to go on elsewhere.</summary>
    Leaving = 2,

    /// <summary>A fault of the head.</summary>
    Failed = 3,

    /// <summary>The request breaks the protocol, or a limit of it.</summary>
    Malformed = 4,
}
