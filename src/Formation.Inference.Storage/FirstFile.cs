namespace Formation.Inference.Storage;

/// <summary>
/// Files that several processes may want to make at once, and one makes: whole, onto the disk, and never replaced. Nobody ever reads half of one,
/// whenever a process or the machine ends.
/// </summary>
/// <remarks>
/// Moving a finished file to its place does not do: what the runtime offers looks whether there is one and renames then, and of two that look at the
/// same time the later one wins. So the draft has one name, and belongs to whoever holds it open.
/// </remarks>
public static class FirstFile
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    // Others hold the draft for as long as the disk takes to write it.
    private const int MostAttempts = 2_000;

    /// <summary>Writes the file where there is none yet: of several writers the first one wins.</summary>
    /// <param name="path">In a folder that exists. Beside it, for a moment, there is a draft: the same path with <c>.new</c> behind it.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Who may read and write it, or null for what the process gives new files.</param>
    /// <returns>False where somebody was first.</returns>
    /// <exception cref="IOException">It can't be written, or the folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write there.</exception>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content, UnixFileMode? mode = null)
    {
        var draft = path + ".new";
        for (var attempt = 1; !File.Exists(path); attempt++)
        {
            using var file = TryHold(draft, mode, isLast: attempt == MostAttempts);
            if (file is null)
            {
                Thread.Sleep(Pause);
                continue;
            }
            // Whoever held it before has finished, or has ended in the middle of it.
            if (File.Exists(path))
                break;
            if (mode is { } allowed)
                File.SetUnixFileMode(file.SafeFileHandle, allowed);
            file.SetLength(0);
            file.Write(content);
            file.Flush(flushToDisk: true);
            File.Move(draft, path, overwrite: true);
            return true;
        }
        File.Delete(draft);
        return false;
    }

    private static FileStream? TryHold(string draft, UnixFileMode? mode, bool isLast)
    {
        try
        {
            return new FileStream(
                draft, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = mode });
        }
        catch (IOException error) when (error is not DirectoryNotFoundException && !isLast)
        {
            return null;
        }
    }
}
