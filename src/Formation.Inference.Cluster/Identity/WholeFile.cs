using System.Text;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// Files that are written as a whole: beside their place, onto the disk, and then renamed, so that nobody ever reads half of one, whenever a
/// process or the machine ends.
/// </summary>
public static class WholeFile
{
    /// <summary>Mode 600: only this user may read or write.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the file, or replaces it.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Who may read and write it, or null for what the process gives new files.</param>
    /// <exception cref="IOException">It can't be written; what was there before stays.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write there.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode? mode = null)
    {
        var draft = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte}, UnixFileMode?)"/>
    public static void Write(string path, string content, UnixFileMode? mode = null) => Write(path, Encoding.UTF8.GetBytes(content), mode);
}
