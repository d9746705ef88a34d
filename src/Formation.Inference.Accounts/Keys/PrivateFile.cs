namespace Formation.Inference.Accounts.Keys;

/// <summary>Files that only the server's own user may read.</summary>
internal static class PrivateFile
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the directory where it is missing, for the owner only.</summary>
    internal static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Makes an empty file with mode 600 where none is, and takes others' rights from one that is there.</summary>
    internal static void Secure(string path)
    {
        using (Open(path, FileMode.OpenOrCreate))
        {
        }

        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, OwnerOnly);
    }

    /// <summary>Writes a new file with mode 600.</summary>
    /// <exception cref="IOException">There is such a file already.</exception>
    internal static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        using FileStream file = Open(path, FileMode.CreateNew);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }
}
