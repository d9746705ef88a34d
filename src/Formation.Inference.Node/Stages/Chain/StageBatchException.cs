using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>A healthy stage could not compute one batch; the others are not touched by it.</summary>
/// <param name="code">What is wrong.</param>
/// <param name="reason">From the stage; names no text and no token.</param>
public sealed class StageBatchException(StageErrorCode code, string reason) : Exception($"{code}: {reason}")
{
    public StageErrorCode Code { get; } = code;

    public string Reason { get; } = reason;
}
