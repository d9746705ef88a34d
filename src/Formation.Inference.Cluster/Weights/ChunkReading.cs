using Microsoft.Win32.SafeHandles;

namespace Formation.Inference.Cluster.Weights;

/// <summary>Reads chunks.</summary>
public static class ChunkReading
{
    /// <summary>Reads a chunk, where a disk that can't be read counts as one without it: that is no fault of whoever asks.</summary>
    /// <inheritdoc cref="IServedModel.TryReadAsync"/>
    public static async ValueTask<bool> TryReadFromDiskAsync(this IServedModel model, int chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            return await model.TryReadAsync(chunk, destination, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads what lies at the place of a chunk, whatever that is.</summary>
    /// <param name="file">The file that the place is in.</param>
    /// <param name="place">The place.</param>
    /// <param name="destination">At least as long as the chunk.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <returns>False where the file ends before the chunk does.</returns>
    /// <exception cref="IOException">The disk can't be read.</exception>
    public static async ValueTask<bool> TryFillAsync(SafeFileHandle file, ChunkPlace place, Memory<byte> destination, CancellationToken cancellationToken)
    {
        for (var read = 0; read < place.Length;)
        {
            var count = await RandomAccess.ReadAsync(file, destination[read..place.Length], place.Offset + read, cancellationToken);
            if (count == 0)
                return false;
            read += count;
        }
        return true;
    }
}
