using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// Cuts the positions of stored sequences into batches for a replacement behind a boundary: ascending positions, a block that several
/// sequences share only once, prompts as prefill and what was generated as decode, as the first time.
/// </summary>
internal static class BoundaryReplay
{
    /// <summary>Makes the frames of a replay.</summary>
    /// <param name="frame">Written for each batch, ready to be sealed.</param>
    /// <param name="send">Sends the frame; false ends the replay.</param>
    /// <returns>Rows that were sent, or null where a position's row was never kept, or sending ended.</returns>
    public static long? Run(
        StageShape shape, BoundaryStore store, IReadOnlyList<StoredSequence> sequences, uint epoch, FrameBuffer frame,
        Func<FrameBuffer, bool> send)
    {
        var rows = 0L;
        var number = 0;
        foreach (var (slices, count) in Plan(shape, sequences))
        {
            frame.Begin(FrameType.Rebuild, epoch);
            BatchFrame.WriteHead(frame, number++, slices, count);
            foreach (var slice in slices)
            {
                for (var row = 0; row < slice.RowCount; row++)
                {
                    var bytes = frame.Append(RowCodec.RowBytes(store.Precision, shape.HiddenSize));
                    if (!store.TryRead(slice.BlockTable.Span, slice.FirstPosition + row, bytes))
                        return null;
                }
            }
            if (!send(frame))
                return null;
            rows += count;
        }
        return rows;
    }

    /// <summary>The batches, each of at most <see cref="StageShape.MaxRows"/> rows.</summary>
    public static IEnumerable<(IReadOnlyList<BatchSlice> Slices, int Rows)> Plan(StageShape shape, IReadOnlyList<StoredSequence> sequences)
    {
        var slices = new List<BatchSlice>();
        var (rows, references) = (0, 0);
        foreach (var run in Runs(shape, sequences))
        {
            for (var first = run.FirstPosition; first < run.End;)
            {
                // A slice names all blocks up to its last position, so many short ones may fill a frame before its rows do.
                if (rows == shape.MaxRows || (slices.Count > 0 && references + run.BlockTable.Length > shape.MaxBlockReferences))
                {
                    yield return (slices, rows);
                    slices = [];
                    (rows, references) = (0, 0);
                }
                var count = Math.Min(run.End - first, shape.MaxRows - rows);
                var table = run.BlockTable[..((first + count - 1) / shape.BlockSize + 1)];
                slices.Add(new BatchSlice(run.SequenceId, run.Kind, rows, count, first, table));
                first += count;
                rows += count;
                references += table.Length;
            }
        }
        if (rows > 0)
            yield return (slices, rows);
    }

    static IEnumerable<PositionRun> Runs(StageShape shape, IReadOnlyList<StoredSequence> sequences)
    {
        var replayed = new Dictionary<int, int>();
        foreach (var sequence in sequences)
        {
            var table = sequence.BlockTable;
            var blocks = (sequence.Length + shape.BlockSize - 1) / shape.BlockSize;
            var (start, end) = (0, 0);
            for (var index = 0; index < blocks; index++)
            {
                var block = table.Span[index];
                var stored = Math.Min(shape.BlockSize, sequence.Length - index * shape.BlockSize);
                var already = Math.Min(replayed.GetValueOrDefault(block), stored);
                replayed[block] = Math.Max(already, stored);
                if (already > 0)
                {
                    foreach (var run in Split(sequence, start, end))
                        yield return run;
                    start = index * shape.BlockSize + already;
                }
                end = index * shape.BlockSize + stored;
            }
            foreach (var run in Split(sequence, start, end))
                yield return run;
        }
    }

    static IEnumerable<PositionRun> Split(StoredSequence sequence, int start, int end)
    {
        var border = Math.Clamp(sequence.PromptLength, start, Math.Max(start, end));
        if (start < border)
            yield return new PositionRun(sequence.SequenceId, SliceKind.Prefill, start, border, sequence.BlockTable);
        if (border < end)
            yield return new PositionRun(sequence.SequenceId, SliceKind.Decode, border, end, sequence.BlockTable);
    }

    /// <summary>Positions of one sequence that follow each other.</summary>
    readonly record struct PositionRun(long SequenceId, SliceKind Kind, int FirstPosition, int End, ReadOnlyMemory<int> BlockTable);
}
