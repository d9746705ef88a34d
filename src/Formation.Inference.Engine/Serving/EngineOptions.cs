using System.Security.Cryptography;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Speculation;

namespace Formation.Inference.Engine.Serving;

/// <summary>How an engine runs its model.</summary>
public sealed record EngineOptions
{
    public SchedulerOptions Scheduler { get; init; } = new();

    public SpeculationOptions Speculation { get; init; } = new();

    /// <summary>Requests that may wait for their first step; one more is <see cref="GenerationErrorKind.QueueFull"/>. Default 256.</summary>
    public int MaxQueuedRequests { get; init; } = 256;

    /// <summary>Rows of logits computed at once: bounds the memory of a prompt's log-probabilities. Default 32.</summary>
    public int MaxLogitsRows { get; init; } = 32;

    /// <summary>
    /// How long requests wait for a replacement when a node with layers of the model is lost, before they fail. Default 60 s.
    /// </summary>
    public TimeSpan RecoveryTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Where seeds come from that a request does not give. Default: the system's secure generator.</summary>
    public Func<long> NextSeed { get; init; } = static () => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    /// <summary>The secret of an engine's prefix keys, 32 bytes. Default: new random bytes for each engine.</summary>
    public Func<byte[]> NewPrefixSecret { get; init; } = static () => RandomNumberGenerator.GetBytes(32);
}
