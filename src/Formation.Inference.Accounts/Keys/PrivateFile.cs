namespace Formation.Inference.Accounts.Keys;

/// <summary>Files that only the server's own user may read.</summary>
internal static class PrivateFile
{
    /// <summary>Mode 600; null where there are no such modes.</summary>
    internal static UnixFileMode? OwnerOnly => OperatingSystem.IsWindows() ? null : OwnMode;

    const UnixFileMode OwnMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the directory where it is missing, for the owner only.</summary>
    internal static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnMode | UnixFileMode.UserExecute);
    }
}
