using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Cli.Bench;

/// <summary>Times prefill and decode of a loaded model through its pipeline: no server, scheduler or sampler between.</summary>
sealed class EngineBenchmark : IDisposable
{
    private readonly Pipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly int _blocksPerSequence;
    private readonly int _vocabulary;
    private readonly float[] _logits;
    private long _step;

    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="longestSequence">Positions that any test reaches.</param>
    /// <param name="largestBatch">Sequences that any test runs together.</param>
    /// <param name="chunk">Rows of the largest prefill batch.</param>
    /// <param name="time">The clock.</param>
    public EngineBenchmark(TransformerModel model, int longestSequence, int largestBatch, int chunk, TimeProvider time)
    {
        _time = time;
        _vocabulary = model.Config.VocabularySize;
        _blocksPerSequence = (longestSequence + KvCacheShape.DefaultBlockSize - 1) / KvCacheShape.DefaultBlockSize;
        _logits = new float[checked(largestBatch * _vocabulary)];
        Chunk = chunk;
        var rows = Math.Max(chunk, largestBatch);
        var cache = model.KvShape(model.AllLayers, checked(_blocksPerSequence * largestBatch));
        _pipeline = new Pipeline(model.CreateHead(rows), [model.CreateStage(model.AllLayers, cache, rows)], rows);
    }

    /// <summary>Rows of the largest prefill batch.</summary>
    public int Chunk { get; }

    /// <summary>Tokens per second of reading a prompt, its last token's logits included.</summary>
    public async Task<double> PrefillAsync(int tokens, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        for (var first = 0; first < tokens; first += Chunk)
        {
            var count = Math.Min(Chunk, tokens - first);
            var isLast = first + count == tokens;
            var batch = new Batch(_step++, [new BatchSlice(0, SliceKind.Prefill, 0, count, first, Blocks(0))]);
            int[] wanted = isLast ? [count - 1] : [];
            await _pipeline.ForwardAsync(batch, Tokens(0, first, count), wanted, _logits.AsMemory(0, wanted.Length * _vocabulary), cancellationToken);
        }
        return tokens / _time.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Tokens per second, all sequences together, of generating from empty contexts.</summary>
    public async Task<double> DecodeAsync(int tokens, int sequences, CancellationToken cancellationToken)
    {
        int[] rows = [.. Enumerable.Range(0, sequences)];
        ReadOnlyMemory<int>[] blocks = [.. rows.Select(Blocks)];
        var start = _time.GetTimestamp();
        for (var position = 0; position < tokens; position++)
        {
            BatchSlice[] slices = [.. rows.Select(row => new BatchSlice(row, SliceKind.Decode, row, 1, position, blocks[row]))];
            int[] tokenIds = [.. rows.Select(row => Token(row, position))];
            await _pipeline.ForwardAsync(new Batch(_step++, slices), tokenIds, rows, _logits.AsMemory(0, sequences * _vocabulary), cancellationToken);
        }
        return (double)tokens * sequences / _time.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose() => _pipeline.Dispose();

    private ReadOnlyMemory<int> Blocks(int sequence) =>
        Enumerable.Range(sequence * _blocksPerSequence, _blocksPerSequence).ToArray();

    private ReadOnlyMemory<int> Tokens(int sequence, int first, int count) =>
        Enumerable.Range(first, count).Select(position => Token(sequence, position)).ToArray();

    // Any tokens do, as long as they differ: the speed does not depend on them.
    private int Token(int sequence, int position) => (int)(((long)position * 7919 + sequence * 104_729L + 1) % _vocabulary);
}
