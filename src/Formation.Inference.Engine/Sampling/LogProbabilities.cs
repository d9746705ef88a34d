using System.Numerics;

namespace Formation.Inference.Engine.Sampling;

/// <summary>Log-probabilities of one row of logits, in double precision and a fixed order.</summary>
internal static class LogProbabilities
{
    /// <summary>Whether every logit is a finite number.</summary>
    public static bool AreFinite(ReadOnlySpan<float> logits)
    {
        // x * 0 is 0 for a finite x and NaN for an infinity or NaN, and a sum keeps a NaN: no branch in the loop.
        var sum = Vector<float>.Zero;
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
            sum += new Vector<float>(logits[i..]) * Vector<float>.Zero;
        var rest = Vector.Sum(sum);
        for (; i < logits.Length; i++)
            rest += logits[i] * 0;
        return !float.IsNaN(rest);
    }

    /// <summary>Index of the largest logit; the lowest index where several are equal.</summary>
    /// <param name="logits">A row without NaN.</param>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        // Two passes without a branch on each logit: the value, then its first place.
        var max = Max(logits);
        var (wanted, i) = (new Vector<float>(max), 0);
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
            if (Vector.EqualsAny(new Vector<float>(logits[i..]), wanted))
                break;
        while (i < logits.Length && logits[i] != max)
            i++;
        return i;
    }

    static float Max(ReadOnlySpan<float> logits)
    {
        var (largest, i) = (new Vector<float>(float.NegativeInfinity), 0);
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
            largest = Vector.Max(largest, new Vector<float>(logits[i..]));
        var max = float.NegativeInfinity;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
            max = Math.Max(max, largest[lane]);
        for (; i < logits.Length; i++)
            max = Math.Max(max, logits[i]);
        return max;
    }

    /// <summary>The natural logarithm of the sum of the exponentials.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double max = logits[ArgMax(logits)];
        var sum = 0.0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }

    /// <summary>The log-probability of one token and of the most probable ones.</summary>
    /// <param name="logits">One finite row.</param>
    /// <param name="token">The token that stands in the position.</param>
    /// <param name="top">How many of the most probable tokens to list; at most the vocabulary's size are.</param>
    public static TokenScore Score(ReadOnlySpan<float> logits, int token, int top)
    {
        var normalizer = LogSumExp(logits);
        var best = top == 0 ? [] : TopTokens(logits, Math.Min(top, logits.Length));
        var alternatives = new (int TokenId, float Logprob)[best.Length];
        for (var i = 0; i < best.Length; i++)
            alternatives[i] = (best[i], (float)(logits[best[i]] - normalizer));
        return new TokenScore((float)(logits[token] - normalizer), alternatives);
    }

    static int[] TopTokens(ReadOnlySpan<float> logits, int count)
    {
        // At most 20 are asked for, so insertion into a sorted array beats a heap; most logits fail the first comparison.
        var best = new int[count];
        var filled = 0;
        for (var token = 0; token < logits.Length; token++)
        {
            if (filled == count && logits[token] <= logits[best[count - 1]])
                continue;
            var place = filled < count ? filled++ : count - 1;
            for (; place > 0 && logits[token] > logits[best[place - 1]]; place--)
                best[place] = best[place - 1];
            best[place] = token;
        }

        return best;
    }
}

/// <summary>What the model's own distribution says of one position.</summary>
/// <param name="Logprob">Log-probability of the token that stands there.</param>
/// <param name="Top">The most probable tokens, most probable first; equal ones by id.</param>
internal readonly record struct TokenScore(float Logprob, IReadOnlyList<(int TokenId, float Logprob)> Top);
