namespace Formation.Inference.Cli;

/// <summary>Where this user's files lie, by the XDG base directory specification.</summary>
/// <param name="Data">Data of the server: accounts, registered models.</param>
/// <param name="Configuration">What the CLI remembers: the saved key.</param>
public sealed record UserFolders(string Data, string Configuration)
{
    /// <param name="environment">Gives the value of an environment variable, or null.</param>
    public static UserFolders From(Func<string, string?> environment)
    {
        var home = environment("HOME") is { Length: > 0 } value
            ? value
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return new UserFolders(
            Path.Combine(Base("XDG_DATA_HOME", ".local", "share"), "formation"),
            Path.Combine(Base("XDG_CONFIG_HOME", ".config"), "formation"));

        // The specification says that a relative path is invalid and ignored.
        string Base(string variable, params string[] below) =>
            environment(variable) is { Length: > 0 } set && Path.IsPathRooted(set) ? set : Path.Combine([home, .. below]);
    }
}
