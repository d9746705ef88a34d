namespace Formation.Inference.Storage;

/// <summary>
/// Files that several processes may want to make at once, and one makes: whole, onto the disk, and never replaced. Nobody ever reads half of one,
/// whenever a process or the machine ends.
/// </summary>
/// <remarks>
/// Moving a finished file to its place does not do: what the runtime offers looks whether there is one and renames then, and of two that look at the
/// same time the later one wins. So who writes holds a lock: a file of its own, since what is held open is closed to readers for a moment longer
/// than it takes to move it.
/// </remarks>
public static class FirstFile
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    // Others hold the lock for as long as the disk takes to write the file.
    private const int MostAttempts = 2_000;

    /// <summary>Writes the file where there is none yet: of several writers the first one wins.</summary>
    /// <param name="path">In a folder that exists. Beside it, for a moment, there are a lock and a draft: the same path with <c>.lock</c> and <c>.new</c> behind it.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Who may read and write it, or null for what the process gives new files.</param>
    /// <returns>False where somebody was first.</returns>
    /// <exception cref="IOException">It can't be written, or the folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write there.</exception>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content, UnixFileMode? mode = null)
    {
        var created = false;
        for (var attempt = 1; !created && !File.Exists(path); attempt++)
        {
            using var held = TryHold(path + ".lock", isLast: attempt == MostAttempts);
            if (held is null)
                Thread.Sleep(Pause);
            // Whoever held it before has finished, or has ended in the middle of it.
            else if (!File.Exists(path))
                created = Write(path, content, mode);
        }
        // Whoever still holds it, or makes it anew, finds that there is the file.
        File.Delete(path + ".lock");
        return created;
    }

    private static bool Write(string path, ReadOnlySpan<byte> content, UnixFileMode? mode)
    {
        var draft = path + ".new";
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = mode }))
        {
            if (mode is { } allowed)
                File.SetUnixFileMode(file.SafeFileHandle, allowed);
            file.SetLength(0);
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
        return true;
    }

    private static FileStream? TryHold(string path, bool isLast)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException error) when (error is not DirectoryNotFoundException && !isLast)
        {
            return null;
        }
    }
}
