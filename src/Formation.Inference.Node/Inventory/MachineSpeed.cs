namespace Formation.Inference.Node.Inventory;

/// <summary>What a machine's processor was measured to do with models.</summary>
/// <param name="ReadBytesPerSecond">Bytes of memory read in a second.</param>
/// <param name="MultiplyAddsPerSecond">Multiply-adds of quantised weights in a second.</param>
public sealed record MachineSpeed(double ReadBytesPerSecond, double MultiplyAddsPerSecond);
