namespace Formation.Inference.Engine.Sampling;

/// <summary>
/// The tokens that may still be drawn, with their weights. Filters select from it by a heap, so that a filter that keeps m of n tokens
/// costs n + m log n and never sorts the vocabulary.
/// </summary>
internal sealed class Candidates(int vocabularySize)
{
    readonly Candidate[] _items = new Candidate[vocabularySize];

    struct Candidate
    {
        public int Token;

        /// <summary>Scaled logit less the largest one: at most 0.</summary>
        public double Scaled;

        /// <summary>Probability, not normalised.</summary>
        public double Weight;

        /// <summary>What the current selection orders by, largest first.</summary>
        public double Key;
    }

    /// <summary>Candidates left.</summary>
    public int Count { get; private set; }

    /// <summary>Takes every token whose logit is not minus infinity; of these the <paramref name="topK"/> largest where that is not 0.</summary>
    public void Fill(ReadOnlySpan<float> logits, float temperature, int topK)
    {
        Count = 0;
        double max = logits[LogProbabilities.ArgMax(logits)];
        for (var token = 0; token < logits.Length; token++)
            if (!float.IsNegativeInfinity(logits[token]))
                _items[Count++] = new Candidate { Token = token, Scaled = logits[token] - max, Key = logits[token] };

        if (topK > 0 && topK < Count)
            Select((keep: topK, mass: double.PositiveInfinity));
        foreach (ref var item in _items.AsSpan(0, Count))
        {
            item.Scaled /= temperature;
            item.Weight = Math.Exp(item.Scaled);
        }
    }

    /// <summary>Locally typical sampling: keeps the tokens whose surprise is nearest to the entropy, up to a mass.</summary>
    public void KeepTypical(float mass)
    {
        var total = TotalWeight();
        var logTotal = Math.Log(total);
        var entropy = 0.0;
        foreach (ref readonly var item in _items.AsSpan(0, Count))
            if (item.Weight > 0)
                entropy -= item.Weight / total * (item.Scaled - logTotal);
        foreach (ref var item in _items.AsSpan(0, Count))
            item.Key = -Math.Abs(logTotal - item.Scaled - entropy);
        Select((Count, mass * total));
    }

    /// <summary>Nucleus sampling: keeps the smallest set of most probable tokens that reaches a mass.</summary>
    public void KeepTopP(float mass)
    {
        foreach (ref var item in _items.AsSpan(0, Count))
            item.Key = item.Scaled;
        Select((Count, mass * TotalWeight()));
    }

    /// <summary>Keeps the tokens at least this fraction as probable as the most probable one left.</summary>
    public void KeepMinP(float fraction)
    {
        var max = 0.0;
        foreach (ref readonly var item in _items.AsSpan(0, Count))
            max = Math.Max(max, item.Weight);
        var kept = 0;
        for (var i = 0; i < Count; i++)
            if (_items[i].Weight >= fraction * max)
                _items[kept++] = _items[i];
        Count = kept;
    }

    /// <summary>The token at a point of the cumulated weights.</summary>
    /// <param name="uniform">A number in [0, 1).</param>
    public int Draw(double uniform)
    {
        var target = uniform * TotalWeight();
        var cumulated = 0.0;
        var last = _items[0].Token;
        foreach (ref readonly var item in _items.AsSpan(0, Count))
        {
            if (item.Weight == 0)
                continue;
            last = item.Token;
            cumulated += item.Weight;
            if (cumulated > target)
                break;
        }

        return last;
    }

    double TotalWeight()
    {
        var total = 0.0;
        foreach (ref readonly var item in _items.AsSpan(0, Count))
            total += item.Weight;
        return total;
    }

    /// <summary>Keeps the best by key, best first (equal keys: the lower token), until a count or a mass is reached.</summary>
    void Select((int keep, double mass) limit)
    {
        var heap = _items.AsSpan(0, Count);
        for (var root = Count / 2 - 1; root >= 0; root--)
            SiftDown(heap, root);

        // Each best one moves behind the shrinking heap, so the selection lies in reverse at the end.
        var selected = 0;
        var mass = 0.0;
        while (selected < limit.keep && mass < limit.mass && heap.Length > 0)
        {
            mass += heap[0].Weight;
            (heap[0], heap[^1]) = (heap[^1], heap[0]);
            heap = heap[..^1];
            SiftDown(heap, 0);
            selected++;
        }

        var tail = _items.AsSpan(Count - selected, selected);
        tail.Reverse();
        tail.CopyTo(_items);
        Count = selected;
    }

    static void SiftDown(Span<Candidate> heap, int root)
    {
        while (true)
        {
            var best = root;
            for (var child = 2 * root + 1; child <= 2 * root + 2 && child < heap.Length; child++)
                if (IsBefore(heap[child], heap[best]))
                    best = child;
            if (best == root)
                return;
            (heap[root], heap[best]) = (heap[best], heap[root]);
            root = best;
        }
    }

    static bool IsBefore(in Candidate left, in Candidate right) =>
        left.Key > right.Key || (left.Key == right.Key && left.Token < right.Token);
}
