using System.CommandLine;

namespace Formation.Inference.Cli.Client;

/// <summary>Which server a command talks to, and with which key.</summary>
/// <param name="Url">Base address, without a trailing slash.</param>
/// <param name="Key">API key, or null for none.</param>
public sealed record ServerAddress(Uri Url, string? Key)
{
    public const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>Options win over the environment, the environment over what was saved. The saved key goes only to the server it was saved for.</summary>
    /// <exception cref="CommandException">The address is not an http or https address.</exception>
    public static ServerAddress Resolve(ParseResult parse, Option<string?> url, Option<string?> key, CommandContext context) =>
        Resolve(parse.GetValue(url), parse.GetValue(key), context);

    /// <summary>The same, for the values of options.</summary>
    /// <exception cref="CommandException">The address is not an http or https address.</exception>
    public static ServerAddress Resolve(string? url, string? key, CommandContext context)
    {
        var saved = SavedCredentials.Load(context.Folders);
        var chosenUrl = ParseUrl(url ?? NotEmpty(context.Environment("FORMATION_URL")) ?? saved?.Url ?? DefaultUrl);
        var savedKey = saved is not null && Uri.TryCreate(saved.Url, UriKind.Absolute, out var savedUrl) && SameServer(savedUrl, chosenUrl)
            ? saved.Key
            : null;
        return new ServerAddress(chosenUrl, key ?? NotEmpty(context.Environment("FORMATION_API_KEY")) ?? savedKey);
    }

    /// <summary>Reads a server's address; a trailing <c>/v1</c> or slash is dropped.</summary>
    /// <exception cref="CommandException">It is not an http or https address.</exception>
    public static Uri ParseUrl(string text)
    {
        var trimmed = text.TrimEnd('/');
        if (trimmed.EndsWith("/v1", StringComparison.Ordinal))
            trimmed = trimmed[..^3].TrimEnd('/');
        if (!Uri.TryCreate(trimmed, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new CommandException(ExitCode.WrongUsage, $"'{text}' is not a server's address; write for instance {DefaultUrl}");
        return url;
    }

    public override string ToString() => Url.ToString();

    private static string? NotEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    // A server on this machine is the same one under each of loopback's names.
    private static bool SameServer(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port
        && (string.Equals(one.Host, other.Host, StringComparison.OrdinalIgnoreCase) || (one.IsLoopback && other.IsLoopback));
}
