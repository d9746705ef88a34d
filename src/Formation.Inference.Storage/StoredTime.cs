using System.Globalization;

namespace Formation.Inference.Storage;

/// <summary>Times as they are stored: ISO 8601 text in UTC, which sorts as time passes and can be read with any tool.</summary>
public static class StoredTime
{
    public static string Write(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    /// <exception cref="FormatException">The text is no such time.</exception>
    public static DateTimeOffset Read(string text) => DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
}
