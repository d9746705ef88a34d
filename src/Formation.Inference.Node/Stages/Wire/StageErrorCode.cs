namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Why a connection was refused or a batch failed. The numbers are on the wire and never change their meaning.</summary>
public enum StageErrorCode : ushort
{
    None = 0,

    /// <summary>A frame that does not add up: a length, a count or a type that can't be.</summary>
    Malformed = 1,

    /// <summary>No common version of the protocol.</summary>
    Version = 2,

    /// <summary>The peer's key is not one that may do this.</summary>
    Unauthorized = 3,

    /// <summary>Another deployment or another session.</summary>
    WrongDeployment = 4,

    /// <summary>Another model file.</summary>
    WrongModel = 5,

    /// <summary>Layers, width, rows or KV blocks do not fit together.</summary>
    WrongShape = 6,

    /// <summary>Longer than what was agreed.</summary>
    LimitExceeded = 7,

    /// <summary>A frame is missing or came twice.</summary>
    SequenceGap = 8,

    /// <summary>A frame of an epoch that has not begun.</summary>
    WrongEpoch = 9,

    /// <summary>A row holds NaN or infinity.</summary>
    NotFinite = 10,

    /// <summary>The bytes are not those that were sent.</summary>
    Checksum = 11,

    /// <summary>The stage serves another head.</summary>
    Busy = 12,

    /// <summary>The caller has left.</summary>
    Cancelled = 13,

    /// <summary>The stage's own computation failed.</summary>
    ComputeFailed = 14,

    /// <summary>A block that belongs to another sequence, or a position with none before it.</summary>
    WrongBlock = 15,

    /// <summary>A neighbour can't be reached.</summary>
    LinkFailed = 16,

    /// <summary>Positions to be replayed were never sent.</summary>
    BoundaryMissing = 17,
}
