using System.Numerics;

namespace Formation.Inference.Engine.Sampling;

/// <summary>
/// The tokens that may still be drawn, with their weights. Filters first count candidates and mass in buckets of the key they order by, and
/// then sort only the buckets that are needed, so that the vocabulary is never sorted as a whole.
/// </summary>
internal sealed class Candidates
{
    // Eighths of a nat, down to 64 nats below the best: what lies deeper shares the last bucket.
    const int BucketsPerUnit = 8, BucketCount = 512;

    // Sums in another order may differ in the last bits: a bucket more is looked at rather than one too few.
    const double Margin = 1 + 1e-9;

    static readonly Comparison<Candidate> BestFirst = static (left, right) =>
        left.Key == right.Key ? left.Token.CompareTo(right.Token) : right.Key.CompareTo(left.Key);

    readonly int[] _allTokens;
    readonly int[] _tokens;
    readonly double[] _scaled;
    readonly double[] _weights;
    readonly double[] _keys;
    readonly Candidate[] _sorted;
    readonly int[] _bucketCounts = new int[BucketCount];
    readonly double[] _bucketMasses = new double[BucketCount];

    readonly record struct Candidate(int Token, double Key, double Scaled, double Weight);

    public Candidates(int vocabularySize)
    {
        // Whole vectors of exponentials are computed, also at the end.
        var padded = vocabularySize + Vector<double>.Count;
        _allTokens = [.. Enumerable.Range(0, vocabularySize)];
        _tokens = new int[vocabularySize];
        _scaled = new double[padded];
        _weights = new double[padded];
        _keys = new double[vocabularySize];
        _sorted = new Candidate[vocabularySize];
    }

    /// <summary>Candidates left.</summary>
    public int Count { get; private set; }

    /// <summary>Takes all tokens, or the <paramref name="topK"/> with the largest logits where that is not 0. Minus infinity has no weight.</summary>
    public void Fill(ReadOnlySpan<float> logits, float temperature, int topK)
    {
        Count = logits.Length;
        _allTokens.CopyTo(_tokens, 0);
        Scale(logits, logits[LogProbabilities.ArgMax(logits)], temperature);
        if (topK > 0 && topK < Count)
            Select(_scaled, topK, double.PositiveInfinity);
        for (var i = 0; i < Count; i += Vector<double>.Count)
            Vector.Exp(new Vector<double>(_scaled, i)).CopyTo(_weights, i);
    }

    /// <summary>Locally typical sampling: keeps the tokens whose surprise is nearest to the entropy, up to a mass.</summary>
    public void KeepTypical(float mass)
    {
        var total = TotalWeight();
        var logTotal = Math.Log(total);
        var entropy = 0.0;
        for (var i = 0; i < Count; i++)
            if (_weights[i] > 0)
                entropy -= _weights[i] / total * (_scaled[i] - logTotal);
        for (var i = 0; i < Count; i++)
            _keys[i] = -Math.Abs(logTotal - _scaled[i] - entropy);
        Select(_keys, Count, mass * total);
    }

    /// <summary>Nucleus sampling: keeps the smallest set of most probable tokens that reaches a mass.</summary>
    public void KeepTopP(float mass) => Select(_scaled, Count, mass * TotalWeight());

    /// <summary>Keeps the tokens at least this fraction as probable as the most probable one left.</summary>
    public void KeepMinP(float fraction)
    {
        var max = 0.0;
        for (var i = 0; i < Count; i++)
            max = Math.Max(max, _weights[i]);
        var kept = 0;
        for (var i = 0; i < Count; i++)
            if (_weights[i] >= fraction * max)
                (_tokens[kept], _scaled[kept], _weights[kept++]) = (_tokens[i], _scaled[i], _weights[i]);
        Count = kept;
    }

    /// <summary>The token at a point of the cumulated weights.</summary>
    /// <param name="uniform">A number in [0, 1).</param>
    public int Draw(double uniform)
    {
        var target = uniform * TotalWeight();
        var cumulated = 0.0;
        var last = _tokens[0];
        for (var i = 0; i < Count && cumulated <= target; i++)
        {
            if (_weights[i] == 0)
                continue;
            last = _tokens[i];
            cumulated += _weights[i];
        }

        return last;
    }

    void Scale(ReadOnlySpan<float> logits, double max, double temperature)
    {
        var (vectorMax, vectorTemperature) = (new Vector<double>(max), new Vector<double>(temperature));
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(logits[i..]), out var low, out var high);
            ((low - vectorMax) / vectorTemperature).CopyTo(_scaled, i);
            ((high - vectorMax) / vectorTemperature).CopyTo(_scaled, i + Vector<double>.Count);
        }

        for (; i < logits.Length; i++)
            _scaled[i] = (logits[i] - max) / temperature;
    }

    double TotalWeight()
    {
        var total = 0.0;
        foreach (var weight in _weights.AsSpan(0, Count))
            total += weight;
        return total;
    }

    /// <summary>Keeps the best by key, best first (equal keys: the lower token), until a count or a mass is reached; at least one.</summary>
    /// <param name="keys">A key of each candidate, at most 0.</param>
    /// <param name="keep">The count.</param>
    /// <param name="mass">The mass; weights are not looked at where it is infinite.</param>
    void Select(double[] keys, int keep, double mass)
    {
        var lastBucket = FindLastBucket(keys, keep, mass * Margin);
        var found = 0;
        for (var i = 0; i < Count; i++)
            if (BucketOf(keys[i]) <= lastBucket)
                _sorted[found++] = new Candidate(_tokens[i], keys[i], _scaled[i], _weights[i]);
        _sorted.AsSpan(0, found).Sort(BestFirst);

        var sum = 0.0;
        for (Count = 0; Count < found && Count < keep && (Count == 0 || sum < mass); Count++)
        {
            var best = _sorted[Count];
            (_tokens[Count], _scaled[Count], _weights[Count]) = (best.Token, best.Scaled, best.Weight);
            sum += best.Weight;
        }
    }

    int FindLastBucket(double[] keys, int keep, double mass)
    {
        Array.Clear(_bucketCounts);
        Array.Clear(_bucketMasses);
        for (var i = 0; i < Count; i++)
        {
            var bucket = BucketOf(keys[i]);
            _bucketCounts[bucket]++;
            _bucketMasses[bucket] += _weights[i];
        }

        var (count, sum) = (0, 0.0);
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            count += _bucketCounts[bucket];
            sum += _bucketMasses[bucket];
            if (count >= keep || sum >= mass)
                return bucket;
        }

        return BucketCount - 1;
    }

    static int BucketOf(double key) => (int)Math.Min(-key * BucketsPerUnit, BucketCount - 1);
}
