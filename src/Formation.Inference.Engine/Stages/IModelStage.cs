using System.Diagnostics;

namespace Formation.Inference.Engine.Stages;

/// <summary>A contiguous range of a model's layers, here or on other machines. It owns the KV memory of these layers.</summary>
/// <remarks>
/// <para>The head assigns block ids; a stage stores what <see cref="Batch"/> says at the place it says, and decides nothing.</para>
/// <para><see cref="ForwardAsync"/> replaces the activations of every row by the output of the last layer. A row's result does not depend on
/// the other rows of the batch nor on how a prompt was cut. A cancelled or failed call leaves the KV rows of its batch undefined and
/// everything else as it was. The local implementation completes synchronously.</para>
/// </remarks>
public interface IModelStage : IDisposable
{
    LayerRange Layers { get; }

    /// <summary>
    /// Batches that it works on at the same time, at least 1: the machines in it that can be busy at once. So many calls of
    /// <see cref="ForwardAsync"/> may be in progress, each with activations and sequences of its own; they end in the order in which they
    /// began.
    /// </summary>
    int Depth => 1;

    /// <exception cref="StageLostException">
    /// A machine with layers of this stage is lost, and with it keys and values of all sequences. Every call in progress and every further
    /// one ends so until <see cref="RecoverAsync"/> has succeeded.
    /// </exception>
    ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken);

    /// <summary>
    /// What the next call of <see cref="ForwardAsync"/> would end with, or null where nothing is lost: so a machine is replaced, or let go where it
    /// wants to leave, also while nobody asks for anything. Safe from any thread.
    /// </summary>
    StageLostException? Loss => null;

    /// <summary>Has somebody told each time that <see cref="Loss"/> may have become one, from any thread and under locks. Before the first batch.</summary>
    void WatchLosses(Action lost)
    {
    }

    /// <summary>
    /// Puts a replacement where layers were lost, and rebuilds there the keys and values of these sequences. Called while no call of
    /// <see cref="ForwardAsync"/> is in progress. Does nothing where nothing is lost.
    /// </summary>
    /// <param name="sequences">What is to be rebuilt; KV rows that belong to none of them are undefined afterwards.</param>
    /// <param name="cancellationToken">Ends the attempt; the stage stays lost, and the call may be repeated.</param>
    /// <exception cref="StageLostException">There is no replacement, or it was lost, too; the call may be repeated.</exception>
    ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Tells of a sequence whose request is traced, before its first batch: other machines make spans of their own for it. Safe from any thread.</summary>
    /// <param name="sequenceId">As in <see cref="BatchSlice.SequenceId"/>.</param>
    /// <param name="parent">The span that theirs belong to.</param>
    void BeginTrace(long sequenceId, ActivityContext parent)
    {
    }

    /// <summary>No batch with this sequence follows. Safe from any thread, also for a sequence that was never told of.</summary>
    void EndTrace(long sequenceId)
    {
    }
}
