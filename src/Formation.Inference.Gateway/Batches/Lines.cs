using System.Runtime.CompilerServices;

namespace Formation.Inference.Gateway.Batches;

/// <summary>A line of a batch's file.</summary>
/// <param name="Number">Which, from 1; empty lines count and are not given.</param>
/// <param name="Bytes">What it holds, or null where that is too long.</param>
internal readonly record struct RawLine(int Number, byte[]? Bytes);

/// <summary>Reads a file line by line, one in memory at a time.</summary>
internal static class Lines
{
    internal static async IAsyncEnumerable<RawLine> SplitAsync(
        IAsyncEnumerable<byte[]> parts, int maxLength, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        (int number, bool isTooLong) = (1, false);
        await foreach (byte[] part in parts.WithCancellation(cancellationToken))
        {
            for (int begin = 0; begin < part.Length;)
            {
                int length = Array.IndexOf(part, (byte)'\n', begin) is >= 0 and var found ? found - begin : part.Length - begin;
                isTooLong |= line.Length + length > maxLength;
                if (!isTooLong)
                    line.Write(part, begin, length);
                begin += length;
                if (begin == part.Length)
                    break;
                begin++;
                if (isTooLong || line.Length > 0)
                    yield return new RawLine(number, isTooLong ? null : line.ToArray());
                line.SetLength(0);
                (number, isTooLong) = (number + 1, false);
            }
        }

        if (isTooLong || line.Length > 0)
            yield return new RawLine(number, isTooLong ? null : line.ToArray());
    }
}
