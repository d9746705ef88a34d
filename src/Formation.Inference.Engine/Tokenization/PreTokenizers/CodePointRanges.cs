namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>Sets of code points, stored as first and last of each range in ascending order.</summary>
internal static class CodePointRanges
{
    /// <summary>True where <paramref name="codePoint"/> lies in one of the ranges; O(log n).</summary>
    /// <param name="bounds">First and last (inclusive) of each range, ascending, not overlapping.</param>
    public static bool Contains(ReadOnlySpan<int> bounds, int codePoint)
    {
        int low = 0, high = bounds.Length / 2 - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (codePoint < bounds[2 * middle]) high = middle - 1;
            else if (codePoint > bounds[2 * middle + 1]) low = middle + 1;
            else return true;
        }
        return false;
    }
}
