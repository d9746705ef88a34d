using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Cli.Bench;

/// <summary>Times prefill and decode of a loaded model through its pipeline: no server, scheduler or sampler between.</summary>
sealed class EngineBenchmark : IDisposable
{
    // Rows of the largest prefill batch; the peer computes as many at a time.
    private const int PromptChunk = 512;

    private readonly Pipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly int _vocabulary;
    private readonly float[] _logits;
    private long _step;

    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="tests">All tests that will be run.</param>
    /// <param name="time">The clock.</param>
    public EngineBenchmark(TransformerModel model, IReadOnlyList<BenchTest> tests, TimeProvider time)
    {
        _time = time;
        _vocabulary = model.Config.VocabularySize;
        var mostSequences = tests.Max(test => test.Sequences);
        var longestPrompt = tests.Where(test => test.Kind == BenchTestKind.Prompt).Select(test => test.Tokens).DefaultIfEmpty(1).Max();
        var rows = Math.Max(Math.Min(longestPrompt, PromptChunk), mostSequences);
        var cache = model.KvShape(model.AllLayers, tests.Max(test => checked(BlocksFor(test.Tokens) * test.Sequences)));
        _logits = new float[checked(mostSequences * _vocabulary)];
        KvBytes = cache.Bytes;
        _pipeline = new Pipeline(model.CreateHead(rows), [model.CreateStage(model.AllLayers, cache, rows)], rows);
    }

    /// <summary>Bytes of keys and values.</summary>
    public long KvBytes { get; }

    /// <summary>Runs a test once. Returns tokens per second, all sequences together.</summary>
    public Task<double> MeasureAsync(BenchTest test, CancellationToken cancellationToken) => test.Kind switch
    {
        BenchTestKind.Prompt => PrefillAsync(test.Tokens, cancellationToken),
        _ => DecodeAsync(test.Tokens, test.Sequences, cancellationToken),
    };

    public void Dispose() => _pipeline.Dispose();

    private async Task<double> PrefillAsync(int tokens, CancellationToken cancellationToken)
    {
        var blocks = Blocks(0, tokens);
        var start = _time.GetTimestamp();
        for (var first = 0; first < tokens; first += PromptChunk)
        {
            var count = Math.Min(PromptChunk, tokens - first);
            var isLast = first + count == tokens;
            var batch = new Batch(_step++, [new BatchSlice(0, SliceKind.Prefill, 0, count, first, blocks)]);
            int[] wanted = isLast ? [count - 1] : [];
            await _pipeline.ForwardAsync(batch, Tokens(0, first, count), wanted, _logits.AsMemory(0, wanted.Length * _vocabulary), cancellationToken);
        }
        return tokens / _time.GetElapsedTime(start).TotalSeconds;
    }

    private async Task<double> DecodeAsync(int tokens, int sequences, CancellationToken cancellationToken)
    {
        int[] rows = [.. Enumerable.Range(0, sequences)];
        ReadOnlyMemory<int>[] blocks = [.. rows.Select(row => Blocks(row, tokens))];
        var start = _time.GetTimestamp();
        for (var position = 0; position < tokens; position++)
        {
            BatchSlice[] slices = [.. rows.Select(row => new BatchSlice(row, SliceKind.Decode, row, 1, position, blocks[row]))];
            int[] tokenIds = [.. rows.Select(row => Token(row, position))];
            await _pipeline.ForwardAsync(new Batch(_step++, slices), tokenIds, rows, _logits.AsMemory(0, sequences * _vocabulary), cancellationToken);
        }
        return (double)tokens * sequences / _time.GetElapsedTime(start).TotalSeconds;
    }

    private static int BlocksFor(int tokens) => (tokens + KvCacheShape.DefaultBlockSize - 1) / KvCacheShape.DefaultBlockSize;

    private static ReadOnlyMemory<int> Blocks(int sequence, int tokens) =>
        Enumerable.Range(sequence * BlocksFor(tokens), BlocksFor(tokens)).ToArray();

    private ReadOnlyMemory<int> Tokens(int sequence, int first, int count) =>
        Enumerable.Range(first, count).Select(position => Token(sequence, position)).ToArray();

    // Any tokens do, as long as they differ: the speed does not depend on them. The peer gets the same.
    private int Token(int sequence, int position) => (int)(((long)position * 7919 + sequence * 104_729L + 1) % _vocabulary);
}
