using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Head to stage: the sequences whose boundary rows go downstream again.</summary>
internal static class ReplayFrame
{
    const int SequenceBytes = 20;

    public static void Write(FrameBuffer frame, uint epoch, uint operation, IReadOnlyList<StoredSequence> sequences)
    {
        frame.Begin(FrameType.Replay, epoch);
        frame.UInt32(operation);
        frame.Int32(sequences.Count);
        foreach (var sequence in sequences)
        {
            frame.Int64(sequence.SequenceId);
            frame.Int32(sequence.PromptLength);
            frame.Int32(sequence.Length);
            frame.Int32(sequence.BlockTable.Length);
            foreach (var block in sequence.BlockTable.Span)
                frame.Int32(block);
        }
    }

    /// <exception cref="StageProtocolException">Lengths or blocks do not fit together or the shape.</exception>
    public static (uint Operation, StoredSequence[] Sequences) Read(ReadOnlySpan<byte> payload, StageShape shape)
    {
        var reader = new PayloadReader(payload);
        var operation = reader.UInt32();
        var sequences = new StoredSequence[reader.Int32("the number of sequences", 0, payload.Length / SequenceBytes)];
        foreach (ref var sequence in sequences.AsSpan())
        {
            var id = reader.Int64();
            var prompt = reader.Int32("a prompt's length", 0, int.MaxValue);
            var length = reader.Int32("a sequence's length", 0, int.MaxValue);
            var blocks = reader.Int32("the blocks of a sequence", 0, Math.Min(shape.BlockCount, payload.Length / sizeof(int)));
            if (length > (long)blocks * shape.BlockSize)
            {
                throw new StageProtocolException(
                    StageErrorCode.WrongBlock, $"{length} positions do not fit into {blocks} KV blocks of {shape.BlockSize}");
            }
            var table = new int[blocks];
            foreach (ref var block in table.AsSpan())
                block = reader.Int32("a KV block", 0, shape.BlockCount - 1);
            sequence = new StoredSequence(id, prompt, length, table);
        }
        reader.End();
        return (operation, sequences);
    }
}
