namespace Formation.Inference.Cluster.Identity;

/// <summary>Folders that only the program's own user may enter.</summary>
public static class PrivateFolder
{
    /// <summary>Makes the folder with mode 700 where it is missing.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public static void Create(string path)
    {
        if (!Directory.Exists(path))
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
