using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class JsonSchemaGrammarTests
{
    /// <summary>Texts are apart by spaces, in which '~' stands for a space; schemas have ' for ".</summary>
    [Theory]
    [InlineData("{'type':'null'}", "null", "true 0 {}")]
    [InlineData("{'type':'boolean'}", "true false", "null 'true'")]
    [InlineData("{'type':['boolean','null']}", "true false null", "0")]
    [InlineData("{'type':'boolean','nullable':true}", "true null", "0")]
    [InlineData("{'type':'string'}", "'' 'é' '\\u00e9\\n'", "a 1 null")]
    [InlineData("{'type':'integer'}", "0 -1 123456789012345678", "1.0 01 - 1e3 1234567890123456789012")]
    [InlineData("{'type':'number'}", "0 -1.5 2e10", "'1' 1. .5")]
    [InlineData("true", "1 'a' {} []", "x")]
    [InlineData("{}", "1 'a' {'b':[null]}", "x")]
    [InlineData("{'title':'a','description':'b','default':1,'examples':[1],'deprecated':true,'$schema':'s','$id':'i','$comment':'c','x-own':{},'type':'null'}", "null", "1")]
    public void Types_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'enum':['a',1,null,true,[1,2],{'x':'y'}]}", "'a' 1 null true [1,~2] {'x':~'y'}", "'b' 2 false [1] {}")]
    [InlineData("{'const':'a\\u0022b'}", "'a\\\"b'", "'a'")]
    [InlineData("{'type':'string','enum':['a',1,'bcd'],'maxLength':2}", "'a'", "1 'bcd'")]
    [InlineData("{'type':'integer','enum':[1,2.0,3.5,10],'maximum':9}", "1 2.0", "3.5 10")]
    [InlineData("{'allOf':[{'enum':[1,2,3]},{'enum':[2,3,4]},{'const':3}]}", "3", "1 2 4")]
    [InlineData("{'enum':['ab','b'],'pattern':'^a'}", "'ab'", "'b'")]
    public void Listed_values_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'string','minLength':2,'maxLength':3}", "'ab' 'éé' '\\u00e9\\ud83d\\ude00' '😀\\n\\\\'", "'' 'a' 'abcd' '\\u00e9'")]
    [InlineData("{'type':'string','maxLength':0}", "''", "'a'")]
    [InlineData("{'type':'string','pattern':'^[a-c]+$'}", "'abc'", "'' 'abd' '\\u0061'")]
    [InlineData("{'type':'string','pattern':'b+'}", "'b' 'abc' '\\u0061b'", "'' 'a'")]
    [InlineData("{'type':'string','pattern':'^.$'}", "'a' '\\\\' '\\t' '😀'", "'ab' '\\n'")]
    [InlineData("{'type':'string','pattern':'^[a-z]+$','minLength':2,'maxLength':3}", "'ab' 'abc'", "'a' 'abcd' 'AB'")]
    [InlineData("{'type':'string','pattern':'^a','allOf':[{'pattern':'z$'}]}", "'az' 'abz'", "'a' 'z' 'za'")]
    [InlineData("{'type':'string','format':'date'}", "'2026-11-23' '2024-02-29' '2000-02-29'", "'2026-11-31' '2023-02-29' '1900-02-29' '2026-13-01' '26-01-01' '0000-01-01'")]
    [InlineData("{'type':'string','format':'time'}", "'12:30:59Z' '23:59:59.123+01:00'", "'24:00:00Z' '12:30Z' '12:30:00'")]
    [InlineData("{'type':'string','format':'date-time'}", "'2026-11-23T12:30:59Z'", "'2026-11-23~12:30:59Z' '2026-11-23'")]
    [InlineData("{'type':'string','format':'duration'}", "'P1Y2M3DT4H5M6S' 'PT5M' 'P2W' 'P1D'", "'P' 'PT' '1D' 'P1DT'")]
    [InlineData("{'type':'string','format':'uuid'}", "'550e8400-e29b-41d4-a716-446655440000'", "'550e8400e29b41d4a716446655440000'")]
    [InlineData("{'type':'string','format':'email'}", "'ada@example.org' 'a.b+c@x-y.example'", "'ada' '@x.org' 'a@b'")]
    [InlineData("{'type':'string','format':'hostname'}", "'localhost' 'a-b.example.org'", "'-a' 'a-' 'a..b' ''")]
    [InlineData("{'type':'string','format':'ipv4'}", "'192.168.0.1' '255.255.255.255'", "'256.1.1.1' '1.2.3' '01.2.3.4'")]
    [InlineData("{'type':'string','format':'ipv6'}", "'::' '::1' '2001:db8::ff00:42:8329' '1:2:3:4:5:6:7:8'", "':' '1:2:3' '1::2::3' '12345::' '1:2:3:4:5:6:7::8'")]
    [InlineData("{'type':'string','format':'uri'}", "'https://example.org/a?b=c#d' 'urn:isbn:123' 'mailto:a@b.org'", "'example.org' '/a' 'https://a~b'")]
    [InlineData("{'type':'string','format':'uri-reference'}", "'https://example.org/a' '/a/b'", "'a~b'")]
    [InlineData("{'type':'string','format':'json-pointer'}", "'' '/a/b~0c'", "'a' '/~2'", '\0')]
    [InlineData("{'type':'string','format':'own'}", "'a'", "1")]
    [InlineData("{'type':'string','pattern':'^(?=.*[0-9])(?!ab)[a-z0-9]{3}$'}", "'a1b' '123' 'a2b'", "'abc' 'ab1' 'a1'")]
    [InlineData("{'type':'string','format':'email','minLength':6,'maxLength':254}", "'ada@example.org' 'a@b.cd'", "'a@b.c' 'ada'")]
    [InlineData("{'type':'string','format':'uri','minLength':1,'maxLength':2083}", "'https://example.org/a?b=c' 'ws://a'", "'example.org' ''")]
    [InlineData("{'type':'string','format':'uri','maxLength':24}", "'http://ab.c/d?e' 'ftp://abc.def/ghij?kl'", "'https://abc.def/ghijk?lm' 'https://example.org/abcdefghij'")]
    [InlineData("{'type':'string','format':'hostname','maxLength':8}", "'a' 'abc.def'", "'abcdefgh.i' 'a..b'")]
    [InlineData("{'type':'string','format':'email','maxLength':24}", "'ab@cd.ef'", "'ab' 'abcdefghij@klmnopqrs.tuv'")]
    [InlineData("{'type':'string','format':'uuid','minLength':1,'maxLength':36}", "'550e8400-e29b-41d4-a716-446655440000'", "'550e8400'")]
    [InlineData("{'minLength':1}", "'a'", "'' 1")]
    public void Texts_are_held(string schema, string taken, string refused, char space = '~') => Held(schema, taken, refused, space);

    [Theory]
    [InlineData("{'type':'integer','minimum':-12,'maximum':105}", "-12 -1 0 9 99 100 105", "-13 -0 106 999 1.0 -20")]
    [InlineData("{'type':'integer','exclusiveMinimum':0,'exclusiveMaximum':10}", "1 9", "0 10")]
    [InlineData("{'type':'integer','minimum':0.5,'maximum':2.5e0}", "1 2", "0 3")]
    [InlineData("{'type':'integer','minimum':5}", "5 10 123456789012345678", "4 0 -5")]
    [InlineData("{'type':'integer','maximum':-5}", "-5 -100", "-4 0 5")]
    [InlineData("{'type':'integer','minimum':1970,'maximum':2030}", "1970 1999 2000 2030", "1969 2031 197")]
    [InlineData("{'type':'integer','minimum':0,'exclusiveMinimum':true}", "1", "0")]
    [InlineData("{'type':'integer','format':'int32'}", "2147483647 -2147483648", "2147483648")]
    [InlineData("{'type':'integer','multipleOf':5}", "0 -5 15 100", "1 12 -4")]
    [InlineData("{'type':'integer','multipleOf':7,'minimum':10,'maximum':30}", "14 21 28", "7 10 35")]
    [InlineData("{'type':'integer','multipleOf':0.5}", "1 2", "1.5")]
    [InlineData("{'type':'number','multipleOf':0.01}", "1 1.5 -1.25 1.250", "1.255 0.001")]
    [InlineData("{'type':'number','multipleOf':2.5}", "0 2.5 5 -7.50", "2 1.5 2.55")]
    [InlineData("{'type':'number','minimum':0,'maximum':1}", "0 0.0 0.5 1 1.00", "-0.1 1.01 2 1e0")]
    [InlineData("{'type':'number','minimum':-1.25,'exclusiveMaximum':1.5}", "-1.25 -1.2 -0 0.7 1.49 1.4999", "-1.26 1.5 1.50 1.6 -2")]
    [InlineData("{'type':'number','exclusiveMinimum':0}", "0.001 1 100.5", "0 0.00 -1")]
    [InlineData("{'type':'number','exclusiveMaximum':0}", "-0.001 -1", "0 -0.0 1")]
    [InlineData("{'type':'number','minimum':-20.5,'maximum':-3.05}", "-20.5 -10 -3.05 -3.1", "-20.6 -3.04 -3 0")]
    [InlineData("{'type':'number','minimum':1.05,'maximum':1.5}", "1.05 1.1 1.5", "1 1.04 1.51")]
    [InlineData("{'allOf':[{'type':'number','minimum':3},{'type':'integer','maximum':5}]}", "3 5", "2 6 3.5")]
    [InlineData("{'minimum':3}", "3 4.5", "2 'a'")]
    public void Numbers_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'array'}", "[] [1,'a']", "{}")]
    [InlineData("{'type':'array','items':{'type':'integer'}}", "[] [1] [1,~2] [\n~~1,\n~~2\n]", "['a'] [1,] [,1] [1~2]")]
    [InlineData("{'type':'array','items':{'type':'null'},'minItems':2,'maxItems':3}", "[null,null] [null,null,null]", "[] [null] [null,null,null,null]")]
    [InlineData("{'type':'array','items':{'type':'null'},'maxItems':1}", "[] [null]", "[null,null]")]
    [InlineData("{'type':'array','maxItems':0}", "[]", "[1]")]
    [InlineData("{'type':'array','prefixItems':[{'type':'integer'},{'type':'string'}]}", "[] [1] [1,'a'] [1,'a',null]", "['a'] [1,1]")]
    [InlineData("{'type':'array','prefixItems':[{'type':'integer'},{'type':'string'}],'items':false,'minItems':2}", "[1,'a']", "[] [1] [1,'a',2]")]
    [InlineData("{'type':'array','prefixItems':[{'type':'integer'}],'items':{'type':'null'},'minItems':1,'maxItems':3}", "[1] [1,null] [1,null,null]", "[] [1,1] [1,null,null,null]")]
    [InlineData("{'type':'array','prefixItems':[true,true],'maxItems':1}", "[] [1]", "[1,1]")]
    [InlineData("{'type':'array','items':[{'type':'integer'}],'additionalItems':false}", "[] [1]", "[1,1] ['a']")]
    [InlineData("{'type':'array','prefixItems':[{'type':'integer'}],'unevaluatedItems':false}", "[] [1]", "[1,1]")]
    [InlineData("{'type':'array','items':false}", "[]", "[1]")]
    [InlineData("{'type':'array','maxItems':1,'uniqueItems':true}", "[] [1]", "[1,1]")]
    public void Arrays_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'type':'object'}", "{} {'a':1}", "[]")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'}},'required':['a','b'],'additionalProperties':false}", "{'a':null,'b':null} {~'a':~null,~'b':~null~}", "{} {'a':null} {'b':null,'a':null} {'a':null,'b':null,'c':1}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'},'c':{'type':'null'}},'required':['b']}", "{'b':null} {'a':null,'b':null} {'b':null,'c':null} {'a':null,'b':null,'c':null}", "{} {'a':null} {'a':null,'c':null} {,'b':null} {'b':null,}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'}}}", "{} {'a':null} {'b':null} {'a':null,'b':null}", "{'a':null,} {'c':null}")]
    [InlineData("{'type':'object','additionalProperties':{'type':'integer'}}", "{} {'x':1} {'x':1,'y':2}", "{'x':'a'}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'}},'additionalProperties':{'type':'integer'}}", "{} {'a':null} {'a':null,'b':1} {'b':1,'ab':2} {'':1}", "{'a':1} {'b':null} {'b':1,'a':1}")]
    [InlineData("{'type':'object','properties':{'a':false,'b':{'type':'null'}},'additionalProperties':true}", "{} {'b':null,'c':1}", "{'a':null}")]
    [InlineData("{'type':'object','required':['x'],'properties':{'a':{'type':'null'}},'additionalProperties':{'type':'integer'}}", "{'x':1} {'a':null,'x':1,'y':2}", "{} {'x':null}")]
    [InlineData("{'type':'object','required':['x']}", "{'x':[]} {'x':1,'y':2}", "{} {'y':1}")]
    [InlineData("{'type':'object','patternProperties':{'^s_':{'type':'string'},'^n_':{'type':'integer'}},'additionalProperties':false}", "{} {'s_a':'b'} {'n_':1,'s_':''}", "{'s_a':1} {'x':1}")]
    [InlineData("{'type':'object','patternProperties':{'^a':{'minimum':3},'b$':{'maximum':5}},'additionalProperties':{'type':'null'}}", "{'ax':9} {'xb':1} {'ab':4} {'x':null}", "{'ab':9} {'ab':1} {'x':1}")]
    [InlineData("{'type':'object','properties':{'ab':{'type':'integer'}},'patternProperties':{'^a':{'minimum':3}}}", "{'ab':3}", "{'ab':2} {'ab':3.5}")]
    [InlineData("{'type':'object','propertyNames':{'pattern':'^[a-z]+$','maxLength':2},'additionalProperties':{'type':'null'}}", "{} {'a':null} {'ab':null}", "{'abc':null} {'A':null}")]
    [InlineData("{'type':'object','propertyNames':{'enum':['x','y']},'additionalProperties':{'type':'null'},'minProperties':1}", "{'x':null} {'x':null,'y':null}", "{} {'z':null}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'},'c':{'type':'null'}},'minProperties':2}", "{'a':null,'b':null} {'b':null,'c':null} {'a':null,'b':null,'c':null}", "{} {'a':null}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'},'c':{'type':'null'}},'maxProperties':2}", "{} {'a':null,'b':null} {'a':null,'c':null}", "{'a':null,'b':null,'c':null}")]
    [InlineData("{'type':'object','additionalProperties':{'type':'null'},'maxProperties':2}", "{} {'x':null,'y':null}", "{'x':null,'y':null,'z':null}")]
    [InlineData("{'type':'object','additionalProperties':{'type':'null'},'maxProperties':0}", "{}", "{'x':null}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'}},'unevaluatedProperties':false,'allOf':[{'properties':{'b':{'type':'null'}}}]}", "{'a':null,'b':null}", "{'c':1}")]
    [InlineData("{'properties':{'a\\u0022\\n':{'type':'null'}}}", "{'a\\\"\\n':null}", "{'a':null}")]
    public void Objects_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'anyOf':[{'type':'string','maxLength':1},{'type':'integer'}]}", "'a' 1", "'ab' null")]
    [InlineData("{'type':'object','properties':{'a':{'type':'null'}},'anyOf':[{'required':['a']},{'properties':{'b':{'const':1}},'required':['b']}]}", "{'a':null} {'b':1} {'a':null,'b':1}", "{} {'b':2}")]
    [InlineData("{'oneOf':[{'type':'string'},{'type':'integer'}]}", "'a' 1", "1.5 null")]
    [InlineData("{'oneOf':[{'type':'object','properties':{'kind':{'const':'a'}},'required':['kind']},{'type':'object','properties':{'kind':{'const':'b'},'x':{'type':'null'}},'required':['kind','x']}]}", "{'kind':'a'} {'kind':'b','x':null}", "{'kind':'b'} {'kind':'c'}")]
    [InlineData("{'oneOf':[{'type':'integer','maximum':5},{'type':'integer','minimum':6}]}", "5 6", "5.5")]
    [InlineData("{'oneOf':[{'type':'object','properties':{'a':{'type':'null'}},'required':['a'],'additionalProperties':false},{'type':'object','properties':{'b':{'type':'null'}},'required':['b'],'additionalProperties':false}]}", "{'a':null} {'b':null}", "{} {'a':null,'b':null}")]
    [InlineData("{'type':'string','oneOf':[{'maxLength':1},{'minLength':3,'maxLength':3}]}", "'a' 'abc'", "'ab' 'abcd' 1")]
    [InlineData("{'type':'object','oneOf':[{'properties':{'a':{}},'required':['a'],'additionalProperties':false},{'properties':{'b':{}},'required':['b'],'additionalProperties':false}]}", "{'a':1} {'b':1}", "{} {'a':1,'b':1} []")]
    [InlineData("{'allOf':[{'type':'object','properties':{'a':{'type':'integer'}},'required':['a']},{'properties':{'a':{'minimum':3},'b':{'type':'null'}}}]}", "{'a':3} {'a':4,'b':null}", "{'a':2} {} {'b':null}")]
    [InlineData("{'allOf':[{'anyOf':[{'minimum':1,'maximum':3},{'minimum':7,'maximum':9}]},{'type':'integer','multipleOf':2}]}", "2 8", "1 3 4 7")]
    public void Combined_schemas_are_held(string schema, string taken, string refused) => Held(schema, taken, refused);

    [Theory]
    [InlineData("{'$ref':'#/$defs/a','$defs':{'a':{'type':'integer'}}}", "1", "'a'")]
    [InlineData("{'properties':{'x':{'$ref':'#/definitions/a~1b%25'}},'definitions':{'a/b%':{'const':1}}}", "{'x':1} {}", "{'x':2}", '\0')]
    [InlineData("{'$ref':'#/$defs/a','minimum':3,'$defs':{'a':{'type':'integer'}}}", "3", "2")]
    [InlineData("{'type':'object','properties':{'value':{'type':'integer'},'next':{'anyOf':[{'$ref':'#'},{'type':'null'}]}},'required':['value','next']}", "{'value':1,'next':null} {'value':1,'next':{'value':2,'next':null}}", "{'value':1} {'value':1,'next':{'next':null}}")]
    [InlineData("{'$ref':'#/$defs/node','$defs':{'node':{'type':'object','properties':{'children':{'type':'array','items':{'$ref':'#/$defs/node'}}},'required':['children']}}}", "{'children':[]} {'children':[{'children':[]},{'children':[]}]}", "{} {'children':[1]}")]
    [InlineData("{'$id':'https://example.org/s','properties':{'x':{'$ref':'https://example.org/s#/$defs/a'}},'$defs':{'a':{'const':1}}}", "{'x':1}", "{'x':2}")]
    [InlineData("{'anyOf':[{'type':'integer'},{'type':'array','items':{'$ref':'#'}}]}", "1 [1,[2,[]]]", "'a' ['a']")]
    public void References_are_held(string schema, string taken, string refused, char space = '~') => Held(schema, taken, refused, space);

    [Theory]
    [InlineData("{'unevaluatedProperties':{'type':'null'},'type':'object'}", "'#/unevaluatedProperties'", "use 'additionalProperties'")]
    [InlineData("{'type':'text'}", "'#/type'", "is no type")]
    [InlineData("{'type':1}", "'#/type'", "has to be a text")]
    [InlineData("{'type':'string','maxLength':-1}", "'#/maxLength'", "integer from 0")]
    [InlineData("{'type':'string','minLength':1000000}", "'#/minLength'", "can't be above 20000")]
    [InlineData("{'type':'string','pattern':'(?=a)'}", "'#/pattern'", "looks around")]
    [InlineData("{'type':'string','pattern':'^a(?!b)'}", "'#/pattern'", "looks around")]
    [InlineData("{'type':'string','format':'regex'}", "'#/format'", "not supported")]
    [InlineData("{'type':'string','minLength':3,'maxLength':2}", "'#'", "no text has all")]
    [InlineData("{'type':'string','pattern':'^a$','minLength':2}", "'#'", "no text has all")]
    [InlineData("{'type':'integer','minimum':3,'maximum':2}", "'#'", "no integer is between")]
    [InlineData("{'type':'integer','minimum':1,'maximum':6,'multipleOf':7}", "'#'", "no integer is between")]
    [InlineData("{'type':'number','multipleOf':0}", "'#/multipleOf'", "above 0")]
    [InlineData("{'type':'number','multipleOf':0.000001234567}", "'#'", "too many digits")]
    [InlineData("{'type':'number','minimum':1e999}", "'#/minimum'", "more than 40 digits")]
    [InlineData("{'type':'array','minItems':2,'maxItems':1}", "'#'", "minItems is above maxItems")]
    [InlineData("{'allOf':[{'type':'string'},{'type':'integer'}]}", "'#/allOf/1'", "no type is allowed")]
    [InlineData("{'type':'object','required':['a'],'additionalProperties':false}", "'#'", "the property 'a' is required")]
    [InlineData("{'type':'object','properties':{'a':{'type':'object','properties':{'b':false},'required':['b']}},'required':['a']}", "'#/properties/a'", "the property 'b' is required")]
    [InlineData("false", "'#'", "allows nothing")]
    [InlineData("{'type':'object','properties':{'next':{'$ref':'#'}},'required':['next']}", "'#'", "each holds another one")]
    [InlineData("{'$ref':'#'}", "'#'", "refers to itself")]
    [InlineData("{'$ref':'#/$defs/a','$defs':{'a':{'anyOf':[{'type':'null'},{'$ref':'#/$defs/b'}]},'b':{'$ref':'#/$defs/a'}}}", "'#/$defs/a'", "refers to itself")]
    [InlineData("{'$ref':'#/$defs/a'}", "'#/$ref'", "refers to nothing")]
    [InlineData("{'$ref':'https://example.org/other'}", "'#/$ref'", "another document")]
    [InlineData("{'$ref':'#a'}", "'#/$ref'", "names an anchor that no schema has")]
    [InlineData("{'oneOf':[{'type':'number'},{'type':'integer'}]}", "'#/oneOf'", "alternatives 0 and 1 at once")]
    [InlineData("{'oneOf':[{'properties':{'a':{}}},{'properties':{'b':{}}}]}", "'#/oneOf'", "at once")]
    [InlineData("{'properties':[]}", "'#/properties'", "has to be an object")]
    [InlineData("{'properties':{'a':3}}", "'#/properties/a'", "a schema has to be")]
    [InlineData("{'required':'a'}", "'#/required'", "has to be a list")]
    [InlineData("{'enum':[{'a':1}],'properties':{'a':{}}}", "'#/properties'", "an object or an array that 'enum'")]
    [InlineData("{'enum':[],'type':'string'}", "'#'", "no value of 'enum'")]
    [InlineData("3", "'#'", "a schema has to be")]
    [InlineData("{'const':'\\ud800'}", "schema", "surrogate")]
    public void What_can_not_be_held_is_refused_with_where_and_why(string schema, string where, string reason)
    {
        var message = Assert.Throws<GrammarException>(() => Grammar(schema)).Message;
        Assert.Contains(where, message);
        Assert.Contains(reason, message);
    }

    [Fact]
    public void A_property_that_nothing_satisfies_is_not_written_where_it_is_optional() =>
        Held("{'type':'object','properties':{'a':{'allOf':[{'type':'null'},{'type':'string'}]},'b':{'type':'null'}}}", "{} {'b':null}", "{'a':null} {'a':'x'}");

    [Fact]
    public void Many_optional_properties_make_a_small_grammar()
    {
        var properties = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"'p{i}':{{'type':'null'}}"));
        var definition = Grammar($"{{'type':'object','properties':{{{properties}}},'additionalProperties':false}}");
        Assert.InRange(GrammarCompiler.Compile(definition).Count, 1000, 60_000);
        var walk = new GrammarWalk(definition);
        Assert.True(walk.Takes("{\"p0\":null,\"p500\":null,\"p999\":null}"));
        Assert.True(walk.Takes("{}"));
        Assert.False(walk.Takes("{\"p500\":null,\"p0\":null}"));
    }

    [Fact]
    public void Schemas_that_grow_without_end_are_refused_or_shared()
    {
        // Each level holds the next one twice.
        var doubled = string.Join(',', Enumerable.Range(0, 30).Select(i => $"'d{i}':{{'allOf':[{{'$ref':'#/$defs/d{i + 1}'}},{{'$ref':'#/$defs/d{i + 1}'}}]}}"));
        Held($"{{'$ref':'#/$defs/d0','$defs':{{{doubled},'d30':{{'type':'null'}}}}}}", "null", "1");

        // Each level has two ways, and all levels have to hold.
        var ways = string.Join(',', Enumerable.Range(0, 30).Select(i => $"{{'anyOf':[{{'minimum':{i}}},{{'maximum':-{i}}}]}}"));
        Refused($"{{'allOf':[{ways}]}}", "more than 512 alternatives");
        var chain = string.Join(',', Enumerable.Range(0, 100).Select(i => $"'d{i}':{{'$ref':'#/$defs/d{i + 1}'}}"));
        Refused($"{{'$ref':'#/$defs/d0','$defs':{{{chain},'d100':{{}}}}}}", "64 deep");
        Refused("{'type':'string','allOf':[{'pattern':'(a|b)*a(a|b){16}$'},{'pattern':'^(a|b)*$'}]}", "too complicated");
        Refused($"{{'properties':{{{string.Join(',', Enumerable.Range(0, 1001).Select(i => $"'p{i}':true"))}}}}}", "1000 are allowed");
        Refused($"{{'enum':[{string.Join(',', Enumerable.Range(0, 2001))}]}}", "2000 are allowed");

        static void Refused(string schema, string reason) => Assert.Contains(reason, Assert.Throws<GrammarException>(() => Grammar(schema)).Message);
    }

    [Fact]
    public void Schemas_may_stand_deep_in_each_other()
    {
        var schema = string.Concat(Enumerable.Repeat("{'type':'array','items':", 500)) + "true" + new string('}', 500);
        Assert.True(new GrammarWalk(Grammar(schema)).Takes(new string('[', 500) + new string(']', 500)));
    }

    internal static GrammarDefinition Grammar([StringSyntax(StringSyntaxAttribute.Json)] string schema)
    {
        using var document = JsonDocument.Parse(schema.Replace('\'', '"'), new JsonDocumentOptions { MaxDepth = 2000 });
        return JsonSchemaGrammar.Of(document.RootElement);
    }

    internal static void Held(string schema, string taken, string refused, char space = '~')
    {
        var walk = new GrammarWalk(Grammar(schema));
        foreach (var text in Texts(taken))
            Assert.True(walk.Takes(text), $"{text} is refused");
        foreach (var text in Texts(refused))
            Assert.False(walk.Takes(text), $"{text} is taken");

        IEnumerable<string> Texts(string all) => all.Split(' ').Select(text => text.Replace('\'', '"').Replace(space, ' '));
    }
}
