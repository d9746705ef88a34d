namespace Formation.Inference.Storage;

/// <summary>What SQLite and PostgreSQL call differently; everything else in a statement is the same for both.</summary>
/// <param name="Text">Type of a column of text, compared by its bytes: the same order everywhere.</param>
/// <param name="Integer">Type of a column of 64-bit integers.</param>
/// <param name="Counter">Type of a column that numbers the rows of its table upwards, and is their key.</param>
/// <param name="Bytes">Type of a column of bytes.</param>
/// <param name="TableEnd">What stands behind the columns where a table is made.</param>
/// <param name="Now">An expression: milliseconds since 1970 in UTC by the clock that all who share the database share.</param>
public sealed record SqlDialect(string Text, string Integer, string Counter, string Bytes, string TableEnd, string Now);
