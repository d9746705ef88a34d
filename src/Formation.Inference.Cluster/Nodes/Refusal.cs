namespace Formation.Inference.Cluster.Nodes;

/// <summary>Why a gateway refuses a node, or ends its connection.</summary>
public enum RefusalReason
{
    /// <summary>Unknown to this version; the sentence beside it tells.</summary>
    Other,

    /// <summary>The two speak different versions of the protocol.</summary>
    WrongProtocol,

    /// <summary>A message breaks the protocol: a list too long, a name outside the grammar, a number that can't be.</summary>
    BadMessage,

    /// <summary>The text is no token.</summary>
    TokenMalformed,

    /// <summary>This gateway did not make the token, or it was made up.</summary>
    TokenUnknown,

    /// <summary>The token has admitted another node.</summary>
    TokenUsed,

    TokenExpired,

    /// <summary>Another node has the name.</summary>
    NameTaken,

    /// <summary>The certificate was never admitted.</summary>
    UnknownCertificate,

    /// <summary>The certificate is another node's than the name says.</summary>
    WrongName,

    /// <summary>The node was removed.</summary>
    Removed,

    /// <summary>The same node has connected anew.</summary>
    Replaced,

    /// <summary>Nothing was heard of the node for longer than its lease.</summary>
    Silent,

    /// <summary>The node takes none of the messages that wait for it.</summary>
    NotReading,

    /// <summary>The gateway stops.</summary>
    ShuttingDown,

    /// <summary>The gateway does not serve the model, or has not got the chunk of it.</summary>
    NotServed,

    /// <summary>The node asks for more at once than it may.</summary>
    Busy,

    /// <summary>The gateway can't tell now: its database does not answer, or too many ask.</summary>
    NotNow,
}

/// <summary>A refusal as the other side gets it.</summary>
/// <param name="Reason">For programs.</param>
/// <param name="Message">For people: which value, what to do.</param>
public sealed record Refusal(RefusalReason Reason, string Message)
{
    /// <summary>Whether trying again can't help: somebody has to change something first.</summary>
    public bool IsFinal => Reason is RefusalReason.WrongProtocol or RefusalReason.BadMessage or RefusalReason.UnknownCertificate
        or RefusalReason.WrongName or RefusalReason.Removed or RefusalReason.NameTaken
        or RefusalReason.TokenMalformed or RefusalReason.TokenUnknown or RefusalReason.TokenUsed or RefusalReason.TokenExpired;
}
