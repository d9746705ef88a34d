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

    // Running sums are kept at every so many candidates: a draw looks for its point among these, and then in one stretch.
    const int Stretch = 256;

    // Nearly all of the mass of a trained model's distribution lies within so many nats of the best token, in a few hundred tokens.
    const double NearNats = 12;

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
    readonly double[] _runningSums;
    readonly int[] _near;
    double _total;
    bool _isTotalKnown;
    int _movedTokens;

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
        _near = new int[vocabularySize];
        _runningSums = new double[vocabularySize / Stretch + 1];
        _allTokens.CopyTo(_tokens, 0);
    }

    /// <summary>Candidates left.</summary>
    public int Count { get; private set; }

    /// <summary>Takes all tokens, or the <paramref name="topK"/> with the largest logits where that is not 0. Minus infinity has no weight.</summary>
    public void Fill(ReadOnlySpan<float> logits, float temperature, int topK)
    {
        Count = logits.Length;
        // Filters move tokens to the front only.
        _allTokens.AsSpan(0, _movedTokens).CopyTo(_tokens);
        _movedTokens = 0;
        Scale(logits, logits[LogProbabilities.ArgMax(logits)], temperature);
        if (topK > 0 && topK < Count)
            Select(_scaled, topK, double.PositiveInfinity);
        Weigh();
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
        Keep(kept);
    }

    /// <summary>The token at a point of the cumulated weights.</summary>
    /// <param name="uniform">A number in [0, 1).</param>
    public int Draw(double uniform)
    {
        var target = uniform * TotalWeight();
        var stretch = 0;
        while ((stretch + 1) * Stretch < Count && _runningSums[stretch + 1] <= target)
            stretch++;
        var cumulated = _runningSums[stretch];
        for (var i = stretch * Stretch; i < Count; i++)
        {
            cumulated += _weights[i];
            if (cumulated > target)
                return _tokens[i];
        }

        // Rounding can put the point at the very end of the interval.
        var last = Count - 1;
        while (last > 0 && _weights[last] == 0)
            last--;
        return _tokens[last];
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

    /// <summary>Computes the candidates' weights and their sum.</summary>
    void Weigh()
    {
        // Exponentials are limited by throughput and a sum in order by latency: side by side they take the time of one.
        var sum = 0.0;
        for (var first = 0; first < Count; first += Stretch)
        {
            _runningSums[first / Stretch] = sum;
            var end = Math.Min(first + Stretch, Count);
            for (var i = first; i < end; i += Vector<double>.Count)
            {
                Vector.Exp(new Vector<double>(_scaled, i)).CopyTo(_weights, i);
                foreach (var weight in _weights.AsSpan(i, Math.Min(Vector<double>.Count, end - i)))
                    sum += weight;
            }
        }

        (_total, _isTotalKnown) = (sum, true);
    }

    double TotalWeight()
    {
        if (_isTotalKnown)
            return _total;
        var sum = 0.0;
        for (var first = 0; first < Count; first += Stretch)
        {
            _runningSums[first / Stretch] = sum;
            foreach (var weight in _weights.AsSpan(first, Math.Min(Stretch, Count - first)))
                sum += weight;
        }

        (_total, _isTotalKnown) = (sum, true);
        return sum;
    }

    /// <summary>The first candidates are those that are left.</summary>
    void Keep(int count)
    {
        (Count, _isTotalKnown) = (count, false);
        _movedTokens = Math.Max(_movedTokens, count);
    }

    /// <summary>Keeps the best by key, best first (equal keys: the lower token), until a count or a mass is reached; at least one.</summary>
    /// <param name="keys">A key of each candidate, at most 0.</param>
    /// <param name="keep">The count.</param>
    /// <param name="mass">The mass; weights are not looked at where it is infinite.</param>
    void Select(double[] keys, int keep, double mass)
    {
        var found = TakeNear(keys, keep, mass);
        if (found < 0)
            found = TakeAll(keys, keep, mass);
        _sorted.AsSpan(0, found).Sort(BestFirst);

        var (sum, count) = (0.0, 0);
        for (; count < found && count < keep && (count == 0 || sum < mass); count++)
        {
            var best = _sorted[count];
            (_tokens[count], _scaled[count], _weights[count]) = (best.Token, best.Scaled, best.Weight);
            sum += best.Weight;
        }

        Keep(count);
    }

    /// <summary>Takes what may be selected from the candidates with keys near 0, or says with -1 that they are too few.</summary>
    int TakeNear(double[] keys, int keep, double mass)
    {
        var (threshold, near, i) = (new Vector<double>(-NearNats), 0, 0);
        for (; i <= Count - Vector<double>.Count; i += Vector<double>.Count)
            if (Vector.GreaterThanAny(new Vector<double>(keys, i), threshold))
                for (var lane = i; lane < i + Vector<double>.Count; lane++)
                    if (keys[lane] > -NearNats)
                        _near[near++] = lane;
        for (; i < Count; i++)
            if (keys[i] > -NearNats)
                _near[near++] = i;

        return FindLastBucket(keys, _near.AsSpan(0, near), keep, mass * Margin) is { } last ? Take(keys, _near.AsSpan(0, near), last) : -1;
    }

    int TakeAll(double[] keys, int keep, double mass)
    {
        var all = _allTokens.AsSpan(0, Count);
        return Take(keys, all, FindLastBucket(keys, all, keep, mass * Margin) ?? BucketCount - 1);
    }

    int Take(double[] keys, ReadOnlySpan<int> places, int lastBucket)
    {
        var found = 0;
        foreach (var i in places)
            if (BucketOf(keys[i]) <= lastBucket)
                _sorted[found++] = new Candidate(_tokens[i], keys[i], _scaled[i], _weights[i]);
        return found;
    }

    /// <summary>The bucket in which a count or a mass is reached, best bucket first, or null where it is not.</summary>
    int? FindLastBucket(double[] keys, ReadOnlySpan<int> places, int keep, double mass)
    {
        Array.Clear(_bucketCounts);
        Array.Clear(_bucketMasses);
        foreach (var i in places)
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

        return null;
    }

    static int BucketOf(double key) => (int)Math.Min(-key * BucketsPerUnit, BucketCount - 1);
}
