using System.Data.Common;
using Npgsql;

namespace Formation.Inference.Storage.Engines;

/// <summary>
/// Reads how a PostgreSQL is reached: as Npgsql has it (<c>Host=...;Username=...;Password=...;Database=...</c>) or as a URI
/// (<c>postgresql://user:password@host:port/database</c>). What it says of time limits, keepalives and pools comes before our own.
/// <c>Pooler=true</c> says that a pooler stands between.
/// </summary>
static class PostgresSettings
{
    private const string Forms =
        "write 'Host=HOST;Username=USER;Password=PASSWORD;Database=NAME' or 'postgresql://USER:PASSWORD@HOST:PORT/NAME'";

    /// <summary>The one keyword that is not Npgsql's: whether something stands between that lends a server's connections for a transaction at a time.</summary>
    public const string Pooler = "Pooler";

    private const string SystemAuthorities = "system";

    /// <inheritdoc cref="Read"/>
    public static NpgsqlConnectionStringBuilder Parse(string text) => Read(text).Settings;

    /// <summary>Reads it.</summary>
    /// <exception cref="ArgumentException">The text is neither. The message repeats nothing of it: a part that is at fault may be one of a password.</exception>
    public static (NpgsqlConnectionStringBuilder Settings, bool IsPooled) Read(string text)
    {
        var settings = Defaults();
        var isPooled = false;
        try
        {
            foreach (var (keyword, value) in PostgresUri.IsOne(text) ? PostgresUri.Parse(text) : Pairs(text))
            {
                if (keyword.Equals(Pooler, StringComparison.OrdinalIgnoreCase))
                    isPooled = bool.Parse(value);
                else
                    settings[keyword] = IsMode(keyword) ? value.Replace("-", "", StringComparison.Ordinal) : value;
            }
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            throw new ArgumentException(
                error is PostgresUriException fault ? $"The URI of the database {fault.Message}." : $"The text given for the database can't be read; {Forms}.");
        }
        if (string.IsNullOrEmpty(settings.Host))
            throw new ArgumentException($"The text given for the database names no host; {Forms}.");
        CheckAuthority(settings);
        settings.SearchPath = PostgresDatabase.SchemaName;
        if (isPooled)
            // Poolers refuse what they would have to remember for a connection, or forget it; and nothing is to be undone on one that belongs to others by then.
            (settings.SearchPath, settings.NoResetOnClose, settings.MaxAutoPrepare) = (null, true, 0);
        // A connection whose other end is gone is noticed before it is needed. Unix sockets (a path, or an abstract name) know no such thing.
        if (settings.TcpKeepAliveTime == 0 && !settings.Host.StartsWith('/') && !settings.Host.StartsWith('@'))
            (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) = (true, 10, 3);
        return (settings, isPooled);
    }

    // As PostgreSQL's own programs have it: whoever names an authority and requires encryption has its signature checked, and whoever names all that
    // the machine trusts, who sign for anybody, has the name checked, too.
    private static void CheckAuthority(NpgsqlConnectionStringBuilder settings)
    {
        if (settings.RootCertificate == SystemAuthorities)
            (settings.RootCertificate, settings.SslMode) = (null, SslMode.VerifyFull);
        else if (!string.IsNullOrEmpty(settings.RootCertificate) && settings.SslMode == SslMode.Require)
            settings.SslMode = SslMode.VerifyCA;
    }

    // The modes that libpq writes with a hyphen and Npgsql without.
    private static bool IsMode(string keyword) => keyword.Replace(" ", "", StringComparison.Ordinal).Equals("SSLMode", StringComparison.OrdinalIgnoreCase);

    // A gateway that waits longer for its database than its clients wait for it serves nobody. Three gateways with 20 connections each stay below
    // the 100 that a server takes by default.
    private static NpgsqlConnectionStringBuilder Defaults() => new()
    {
        ApplicationName = "formation",
        Timeout = 5,
        CommandTimeout = 5,
        MaxPoolSize = 20,
        Enlist = false,
        GssEncryptionMode = GssEncryptionMode.Disable,
    };

    private static IEnumerable<(string Keyword, string Value)> Pairs(string text)
    {
        var pairs = new DbConnectionStringBuilder { ConnectionString = text };
        return [.. pairs.Keys.Cast<string>().Select(keyword => (keyword, (string)pairs[keyword]))];
    }
}
