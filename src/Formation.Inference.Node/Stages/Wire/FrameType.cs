namespace Formation.Inference.Node.Stages.Wire;

/// <summary>What a frame is. The numbers are on the wire and never change their meaning.</summary>
internal enum FrameType : byte
{
    /// <summary>First frame of a connection, from the side that dialled: who it is, and for which deployment.</summary>
    Hello = 1,

    /// <summary>The answer to a hello.</summary>
    Accept = 2,

    /// <summary>Head to stage: a new epoch, and the neighbours in it.</summary>
    Route = 3,

    /// <summary>Stage to head: a route or a replay is done, or why it is not.</summary>
    Done = 4,

    /// <summary>Downstream: rows to compute.</summary>
    Forward = 5,

    /// <summary>Last stage to head: computed rows.</summary>
    Result = 6,

    /// <summary>Downstream in the place of rows, and last stage to head: a batch that one stage could not compute.</summary>
    Failed = 7,

    /// <summary>Head to stage: send these positions from the boundary store downstream again.</summary>
    Replay = 8,

    /// <summary>Downstream: rows of which only keys and values are wanted.</summary>
    Rebuild = 9,

    /// <summary>Downstream: the last rows of a replay were sent.</summary>
    RebuildEnd = 10,

    /// <summary>Head to stage: nobody waits for this batch.</summary>
    Cancel = 11,

    /// <summary>Either way: still here.</summary>
    Ping = 12,

    /// <summary>The answer to a ping.</summary>
    Pong = 13,

    /// <summary>Stage to head: it wants to leave when another one has its layers.</summary>
    Drain = 14,

    /// <summary>Either way: the connection ends in order.</summary>
    Goodbye = 15,

    /// <summary>Either way: the connection ends because of this fault.</summary>
    Error = 16,

    /// <summary>Stage to head: the link to a neighbour is lost.</summary>
    LinkLost = 17,

    /// <summary>Between members of a group that shares each layer: a piece of a partial sum, or of the whole one.</summary>
    Partial = 18,

    /// <summary>Head to stage: this sequence's request is traced, and here is the span that the stage's belongs to.</summary>
    Trace = 19,

    /// <summary>Head to stage: no batch with this sequence follows.</summary>
    TraceEnd = 20,
}
