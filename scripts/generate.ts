// Writes anew all that is made from the contract and the table of variables. One program, since each would load the contract anew.
import './writeOpenapi.ts'
import './writeClientKinds.ts'
import './writeConfigurationDocs.ts'
import './writeReference.ts'
