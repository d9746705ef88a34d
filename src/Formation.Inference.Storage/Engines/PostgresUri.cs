using System.Globalization;

namespace Formation.Inference.Storage.Engines;

/// <summary>
/// Connection URIs as PostgreSQL's own programs read them: <c>postgresql://user:password@host:port/database?sslmode=require</c>, with
/// percent-encoding. What can be read in two ways is refused, since a part of the password would be taken for a host and be shown.
/// </summary>
static class PostgresUri
{
    private static readonly string[] Schemes = ["postgresql://", "postgres://"];

    private static readonly Dictionary<string, string> Parameters = new(StringComparer.Ordinal)
    {
        ["host"] = "Host",
        ["port"] = "Port",
        ["user"] = "Username",
        ["password"] = "Password",
        ["dbname"] = "Database",
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["target_session_attrs"] = "Target Session Attributes",
        ["pooler"] = PostgresSettings.Pooler,
    };

    public static bool IsOne(string text) => Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>Npgsql's keywords for what the URI says.</summary>
    /// <exception cref="PostgresUriException">It can't be read.</exception>
    public static IReadOnlyList<(string Keyword, string Value)> Parse(string text)
    {
        var rest = text[Schemes.First(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)).Length..];
        var settings = new List<(string, string)>();
        if (rest.Contains('#'))
            throw new PostgresUriException("holds a '#'; write it as %23");
        var query = rest.IndexOf('?');
        var parameters = query < 0 ? "" : rest[(query + 1)..];
        rest = query < 0 ? rest : rest[..query];
        var slash = rest.IndexOf('/');
        var database = slash < 0 ? "" : rest[(slash + 1)..];
        var authority = slash < 0 ? rest : rest[..slash];
        if (database.AsSpan().ContainsAny('/', '@', ':'))
            throw new PostgresUriException("holds a '/', '@' or ':' behind the host; where it belongs to a name or password, write %2F, %40 or %3A");
        if (database.Length > 0)
            settings.Add(("Database", Decode(database)));

        var at = authority.LastIndexOf('@');
        if (at >= 0)
            AddUser(authority[..at], settings);
        AddHosts(authority[(at + 1)..], settings);
        foreach (var parameter in parameters.Split('&', StringSplitOptions.RemoveEmptyEntries))
            AddParameter(parameter, settings);
        return settings;
    }

    private static void AddUser(string user, List<(string, string)> settings)
    {
        if (user.Contains('@') || user.Count(c => c == ':') > 1)
            throw new PostgresUriException("holds an '@' or ':' in the user's name or password; write it as %40 or %3A");
        var colon = user.IndexOf(':');
        settings.Add(("Username", Decode(colon < 0 ? user : user[..colon])));
        if (colon >= 0)
            settings.Add(("Password", Decode(user[(colon + 1)..])));
    }

    private static void AddHosts(string hosts, List<(string, string)> settings)
    {
        if (hosts.Length == 0)
            return;
        if (hosts.Contains(','))
        {
            // Several servers of which one takes writes; each has its own port, as Npgsql has it too.
            settings.Add(("Host", Decode(hosts)));
            return;
        }
        var end = hosts.StartsWith('[') ? hosts.IndexOf(']') : -1;
        if (hosts.StartsWith('[') && end < 0)
            throw new PostgresUriException("holds a '[' without a ']'");
        var colon = hosts.IndexOf(':', end + 1);
        var host = colon < 0 ? hosts : hosts[..colon];
        settings.Add(("Host", Decode(end < 0 ? host : host.Trim('[', ']'))));
        if (colon < 0)
            return;
        if (!ushort.TryParse(hosts.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
            throw new PostgresUriException("has a port that is no number from 1 to 65535");
        settings.Add(("Port", port.ToString(CultureInfo.InvariantCulture)));
    }

    private static void AddParameter(string parameter, List<(string, string)> settings)
    {
        var equals = parameter.IndexOf('=');
        if (equals < 0 || !Parameters.TryGetValue(parameter[..equals], out var keyword))
            throw new PostgresUriException($"has a parameter that is not known here; known are {string.Join(", ", Parameters.Keys)}");
        var value = Decode(parameter[(equals + 1)..]);
        settings.Add((keyword, value));
    }

    private static string Decode(string text)
    {
        for (var i = text.IndexOf('%'); i >= 0; i = text.IndexOf('%', i + 1))
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                throw new PostgresUriException("holds a '%' that no two hexadecimal digits follow; write it as %25");
        return Uri.UnescapeDataString(text);
    }
}

/// <summary>What is wrong with a URI, in words that repeat nothing of it.</summary>
sealed class PostgresUriException(string message) : FormatException(message);
