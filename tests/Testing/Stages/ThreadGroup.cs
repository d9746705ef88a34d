using Formation.Inference.Engine.Stages;
using Xunit;

namespace Formation.Inference.Testing.Stages;

/// <summary>Stages of one process that share their layers, each on a thread of its own, as one stage.</summary>
/// <param name="members">By rank; disposed with the group.</param>
public sealed class ThreadGroup(IReadOnlyList<IModelStage> members) : IModelStage
{
    public LayerRange Layers => members[0].Layers;

    /// <summary>Computes on all members, and requires that all of them come to the same bits.</summary>
    /// <remarks>Completes synchronously, as a local stage does.</remarks>
    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        var copies = members.Select(_ => Copy(activations)).ToArray();
        Task.WhenAll(members.Select((member, rank) => Task.Factory.StartNew(
            () => member.ForwardAsync(batch, copies[rank], cancellationToken).AsTask().GetAwaiter().GetResult(),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).GetAwaiter().GetResult();
        foreach (var copy in copies)
            Assert.Equal(Bits(copies[0]), Bits(copy));
        copies[0].Values.CopyTo(activations.Values);
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        foreach (var member in members)
            member.Dispose();
    }

    private static Activations Copy(Activations source)
    {
        var copy = new Activations(Math.Max(1, source.Rows), source.Width);
        copy.SetRows(source.Rows);
        source.Values.CopyTo(copy.Values);
        return copy;
    }

    private static int[] Bits(Activations activations) => [.. activations.Values.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
