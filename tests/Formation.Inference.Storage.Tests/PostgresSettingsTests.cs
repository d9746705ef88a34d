using Formation.Inference.Storage.Engines;
using Npgsql;

namespace Formation.Inference.Storage.Tests;

public sealed class PostgresSettingsTests
{
    [Theory]
    [InlineData("postgresql://me:secret@db.example:5433/formation", "db.example", 5433, "me", "secret", "formation")]
    [InlineData("postgres://me@db.example", "db.example", 5432, "me", null, null)]
    [InlineData("POSTGRESQL://me:p%40ss%3A%2F%3F%25%23@db.example/a%20b", "db.example", 5432, "me", "p@ss:/?%#", "a b")]
    [InlineData("postgresql://me:a=b;c'd\"e@db.example/d", "db.example", 5432, "me", "a=b;c'd\"e", "d")]
    [InlineData("postgresql://me:secret@[fd00::1]:5433/d", "fd00::1", 5433, "me", "secret", "d")]
    [InlineData("postgresql://[::1]", "::1", 5432, null, null, null)]
    [InlineData("postgresql://me@%2Frun%2Fpostgresql/d", "/run/postgresql", 5432, "me", null, "d")]
    [InlineData("postgresql:///d?host=/run/postgresql&user=me&password=s%26t", "/run/postgresql", 5432, "me", "s&t", "d")]
    [InlineData("postgresql://me@a:5432,b:5433/d?target_session_attrs=read-write", "a:5432,b:5433", 5432, "me", null, "d")]
    [InlineData("Host=db.example;Port=5433;Username=me;Password=\"a;b='c\";Database=formation", "db.example", 5433, "me", "a;b='c", "formation")]
    public void Both_forms_are_read(string text, string host, int port, string? user, string? password, string? database)
    {
        var settings = PostgresSettings.Parse(text);
        Assert.Equal((host, port, user, password, database), (settings.Host!, settings.Port, settings.Username, settings.Password, settings.Database));
    }

    [Theory]
    [InlineData("postgresql://h/d?sslmode=verify-full", SslMode.VerifyFull)]
    [InlineData("postgresql://h/d?sslmode=verify-ca&sslrootcert=/etc/ca.pem", SslMode.VerifyCA)]
    [InlineData("postgresql://h/d?sslmode=require", SslMode.Require)]
    [InlineData("postgresql://h/d?sslmode=require&sslrootcert=/etc/ca.pem", SslMode.VerifyCA)]
    [InlineData("postgresql://h/d?sslmode=prefer&sslrootcert=/etc/ca.pem", SslMode.Prefer)]
    [InlineData("postgresql://h/d?sslmode=allow", SslMode.Allow)]
    [InlineData("postgresql://h/d?sslmode=disable", SslMode.Disable)]
    [InlineData("postgresql://h/d?sslrootcert=system", SslMode.VerifyFull)]
    [InlineData("Host=h;SSL Mode=Disable", SslMode.Disable)]
    [InlineData("Host=h;sslmode=verify-full", SslMode.VerifyFull)]
    [InlineData("Host=h", SslMode.Prefer)]
    public void How_connections_are_encrypted_is_taken_over(string text, SslMode mode) => Assert.Equal(mode, PostgresSettings.Parse(text).SslMode);

    [Fact]
    public void Time_limits_are_short_unless_they_are_given()
    {
        var defaults = PostgresSettings.Parse("postgresql://h/d");
        Assert.Equal((5, 5, 20, 10, "formation"), (defaults.Timeout, defaults.CommandTimeout, defaults.MaxPoolSize, defaults.TcpKeepAliveTime, defaults.SearchPath));
        var given = PostgresSettings.Parse("Host=h;Timeout=9;Command Timeout=8;Maximum Pool Size=7;Tcp Keepalive Time=6;Search Path=public");
        Assert.Equal((9, 8, 7, 6, "formation"), (given.Timeout, given.CommandTimeout, given.MaxPoolSize, given.TcpKeepAliveTime, given.SearchPath));
        Assert.Equal(3, PostgresSettings.Parse("postgresql://h/d?connect_timeout=3").Timeout);
    }

    [Theory]
    [InlineData("postgresql://h/d?pooler=true", true)]
    [InlineData("Host=h;pooler=True;No Reset On Close=false;Max Auto Prepare=9", true)]
    [InlineData("Host=h;Pooler=false", false)]
    public void Nothing_is_asked_of_a_connection_that_a_pooler_would_have_to_remember(string text, bool isPooled)
    {
        var (settings, isOne) = PostgresSettings.Read(text);
        Assert.Equal((isPooled, isPooled ? null : "formation", isPooled, 0), (isOne, settings.SearchPath, settings.NoResetOnClose, settings.MaxAutoPrepare));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hush")]
    [InlineData("Username=me;Password=hush")]
    [InlineData("Host=h;Password=hush;hush=1")]
    [InlineData("Host=h;Port=hush")]
    [InlineData("postgresql://")]
    [InlineData("postgresql://me:hu@sh@h/d")]
    [InlineData("postgresql://me:hu:sh@h/d")]
    [InlineData("postgresql://me:hush/1@h/d")]
    [InlineData("postgresql://me:12/hush@h/d")]
    [InlineData("postgresql://me:hush?1@h/d")]
    [InlineData("postgresql://me:hush#1@h/d")]
    [InlineData("postgresql://me:hush%zz@h/d")]
    [InlineData("postgresql://me:hush%4")]
    [InlineData("postgresql://h:hush/d")]
    [InlineData("postgresql://h:70000/hush")]
    [InlineData("postgresql://[::1/hush")]
    [InlineData("postgresql://h/d?hush=1")]
    [InlineData("postgresql://h/d?sslmode=hush")]
    [InlineData("postgresql://h/d?connect_timeout=hush")]
    [InlineData("postgresql://h/d?pooler=hush")]
    [InlineData("Host=h;Pooler=hush")]
    public void What_can_not_be_read_is_refused_without_repeating_it(string text)
    {
        var error = Assert.Throws<ArgumentException>(() => PostgresSettings.Parse(text));
        Assert.DoesNotContain("hush", error.ToString(), StringComparison.Ordinal);
    }
}
