namespace Formation.Inference.Node.Stages.Wire;

/// <summary>What a peer sent breaks the protocol. The connection ends; the process does not.</summary>
/// <param name="code">What is wrong.</param>
/// <param name="reason">Which value and which limit, for the peer's operator and ours.</param>
public sealed class StageProtocolException(StageErrorCode code, string reason) : Exception($"{code}: {reason}")
{
    public StageErrorCode Code { get; } = code;

    public string Reason { get; } = reason;
}
