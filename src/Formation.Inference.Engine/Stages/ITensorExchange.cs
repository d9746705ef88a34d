using Formation.Inference.Engine.Models;

namespace Formation.Inference.Engine.Stages;

/// <summary>
/// What the members of a group that shares each layer tell each other: partial sums, twice a layer. Every member computes the same batches
/// in the same order.
/// </summary>
/// <remarks>Used by one thread at a time: the one that computes, which waits in it for the others.</remarks>
public interface ITensorExchange
{
    /// <summary>What this member computes.</summary>
    TensorShare Share { get; }

    /// <summary>
    /// Replaces values by their sum over all members, added in float32 from rank 0 on, so that each member gets the same bits. Returns when
    /// all members have given theirs.
    /// </summary>
    /// <param name="values">As many on every member.</param>
    /// <exception cref="StageLostException">Another member is lost, or what it sends can't be right. Every further call ends so.</exception>
    void Sum(Span<float> values);
}
